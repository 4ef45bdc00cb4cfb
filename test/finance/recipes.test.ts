import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestService, type TestService } from "../setup/service.ts";

/** A call of the documentation with what its reply must hold: `<` for an answer, `!` for a refusal. */
interface Example {
  readonly method: string;
  readonly request: string;
  readonly answer: "<" | "!";
  readonly reply: object;
}

async function readLines(name: string): Promise<string[]> {
  const text = await readFile(new URL(`../../docs/${name}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```ledger\n(.*?)^```/gms)].flatMap(([, block = ""]) => block.trimEnd().split("\n"));
}

function readExamples(lines: readonly string[]): Example[] {
  return lines.flatMap((line, index): Example[] => {
    const call = /^> (\w+) (\{.*\})$/.exec(line);
    const reply = /^([<!]) (\{.*\})$/.exec(lines[index + 1] ?? "");
    const [, method = "", request = ""] = call ?? [];
    const [, mark, json = ""] = reply ?? [];
    if (call === null) return [];
    if (mark !== "<" && mark !== "!") throw new Error(`no reply follows: ${line}`);
    return [{ method, request, answer: mark, reply: JSON.parse(json) }];
  });
}

const documents: [name: string, lines: string[], least: number][] = [
  ["ledger.md", await readLines("ledger.md"), 20],
  ["events.md", await readLines("events.md"), 10],
];

describe.each(documents)("docs/%s", (_, lines, least) => {
  const examples = readExamples(lines);
  let service: TestService;
  /** Of the last reply of ListEvents. */
  let cursor = "";

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.close());

  test("has recipes, and every line of them is read", () => {
    expect(examples.length).toBeGreaterThan(least);
    expect(lines).toHaveLength(examples.length * 2);
  });

  test.each(examples)("$method $request", async ({ method, request, answer, reply }) => {
    const { status, body } = await service.call(method, request.replace("$cursor", cursor));
    expect(body).toMatchObject(reply);
    expect(status === 200).toBe(answer === "<");
    if (method === "ListEvents" && status === 200) cursor = body.cursor;
  });
});
