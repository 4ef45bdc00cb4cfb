import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

/** More than a pipe holds. */
const LINES = 3000;

/** A process that logs many lines at once, beyond ASCII too, and exits. */
function logger(stdout: "pipe" | number, { shared = false } = {}): ChildProcess {
  const program = `
    const { openLog } = await import(${JSON.stringify(pathToFileURL(resolve("src/server/process.ts")).href)});
    const log = openLog({ logLevel: "info", environment: "production" }, { shared: ${shared} });
    for (let n = 0; n < ${LINES}; n += 1) log.info({ n }, "x\u20ac".repeat(n % 50));
    process.exit(0);`;
  const args = ["--import", import.meta.resolve("tsx"), "--input-type=module", "--eval", program];
  return spawn(process.execPath, args, { stdio: ["ignore", stdout, "inherit"] });
}

async function readSlowly({ stdout }: ChildProcess): Promise<unknown[]> {
  await delay(1500);
  let text = "";
  for await (const chunk of stdout?.setEncoding("utf8") ?? []) text += chunk;
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).n);
}

test.each([false, true])(
  "a slow reader gets every line before the process ends, in order (shared: %s)",
  async (shared) => {
    const child = logger("pipe", { shared });
    expect(await readSlowly(child)).toEqual(Array.from({ length: LINES }, (_, n) => n));
  },
);

test("a process ends although nobody reads its log any more", async () => {
  const child = logger("pipe");
  child.stdout?.destroy();
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a process ends although the disk of its log is full", async () => {
  const child = logger(openSync("/dev/full", "w"));
  expect(await once(child, "exit")).toEqual([0, null]);
});
