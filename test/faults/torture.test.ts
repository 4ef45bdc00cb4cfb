import { expect, test } from "vitest";
import { makeOwnDirectory } from "../setup/belongings.ts";
import { torture } from "./torture.ts";

test("after kills, cuts and stalls under load, each acknowledged transfer exists once, and followers of the feed have the books", async () => {
  const directory = makeOwnDirectory("finance-torture-");
  const seed = Number(process.env["TORTURE_SEED"] ?? Date.now() % 1_000_000);
  const lines: string[] = [`TORTURE_SEED=${seed}`];
  try {
    const result = await torture({
      directory: directory.path,
      seconds: 12,
      clients: 16,
      seed,
      report: (line) => lines.push(line),
    });
    expect(result.findings, lines.join("\n")).toEqual([]);
  } catch (error) {
    throw new Error(lines.join("\n"), { cause: error });
  } finally {
    await directory.remove();
  }
}, 240_000);
