import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { identifyProcess, LockHeldError, lockDirectory } from "../../src/database/embedded/lock.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(inject("scratch"), "lock-"));
  path = join(folder, "lock");
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("the lock of a directory", () => {
  test("is refused while a running process holds it, names that process, and is free after its release", async () => {
    const lock = await lockDirectory(path);
    await expect(lockDirectory(path)).rejects.toEqual(new LockHeldError(process.pid));
    await lock.release();
    await (await lockDirectory(path)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  test.each<[what: string, content: () => Promise<string>]>([
    ["a process that ended", async () => JSON.stringify({ pid: await endedProcess(), started: "whenever" })],
    [
      "an earlier process with the id of a running one",
      async () => JSON.stringify({ pid: process.pid, started: "long ago" }),
    ],
    ["nobody, its content lost in a crash", async () => ""],
    ["nobody, its content not ours", async () => '{"pid":"1"}'],
  ])("is taken over from %s", async (_, content) => {
    await writeFile(path, await content());
    const lock = await lockDirectory(path);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(await identifyProcess(process.pid));
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test("goes to exactly one of many processes that take it over at once", async () => {
    for (let round = 0; round < 20; round++) {
      await writeFile(path, JSON.stringify({ pid: process.pid, started: "long ago" }));
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => lockDirectory(path)));
      const locks = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
      expect(locks).toHaveLength(1);
      await locks[0]?.release();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test("is taken over even if an earlier takeover was interrupted", async () => {
    const dead = JSON.stringify({ pid: process.pid, started: "long ago" });
    await writeFile(path, dead);
    await writeFile(`${path}.takeover`, dead);
    await (await lockDirectory(path)).release();
    expect(await readdir(folder)).toEqual([]);
  });
});

async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}
