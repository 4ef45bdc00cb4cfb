import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestService, type TestService } from "../setup/service.ts";

/** A call of docs/ledger.md with what its reply must hold: `<` for an answer, `!` for a refusal. */
interface Example {
  readonly method: string;
  readonly request: string;
  readonly answer: "<" | "!";
  readonly reply: object;
}

const text = await readFile(new URL("../../docs/ledger.md", import.meta.url), "utf8");
const lines = [...text.matchAll(/^```ledger\n(.*?)^```/gms)].flatMap(([, block = ""]) => block.trimEnd().split("\n"));

const examples = lines.flatMap((line, index): Example[] => {
  const call = /^> (\w+) (\{.*\})$/.exec(line);
  const reply = /^([<!]) (\{.*\})$/.exec(lines[index + 1] ?? "");
  const [, method = "", request = ""] = call ?? [];
  const [, mark, json = ""] = reply ?? [];
  if (call === null) return [];
  if (mark !== "<" && mark !== "!") throw new Error(`no reply follows: ${line}`);
  return [{ method, request, answer: mark, reply: JSON.parse(json) }];
});

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

test("the documentation has recipes, and every line of them is read", () => {
  expect(examples.length).toBeGreaterThan(20);
  expect(lines).toHaveLength(examples.length * 2);
});

test.each(examples)("$method $request", async ({ method, request, answer, reply }) => {
  const { status, body } = await service.call(method, request);
  expect(body).toMatchObject(reply);
  expect(status === 200).toBe(answer === "<");
});
