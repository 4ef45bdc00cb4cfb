import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../src/database/connection-errors.ts";
import { identifyProcess } from "../../src/database/embedded/lock.ts";
import { startEmbeddedPostgres } from "../../src/database/index.ts";
import { makeDataDir, makeSeed, query, removeDataDir, serverPid } from "./data-directory.ts";
import { buildPrograms, type Programs, type RunningProgram, startProgram } from "./programs.ts";

let programs: Programs;
/** Contains a table of notes, and files of the killed processes of earlier tests. */
let dataDir: string;
beforeAll(async () => {
  [programs, dataDir] = await Promise.all([buildPrograms(["test/database/programs/server-owner.ts"]), makeSeed()]);
});
afterAll(async () => {
  await programs.remove();
  await removeDataDir(dataDir);
});

const owners: RunningProgram[] = [];
afterEach(async () => {
  for (const { child, ended } of owners.splice(0)) {
    child.kill("SIGKILL");
    await ended;
  }
  const pid = await serverPid(dataDir);
  if (pid !== undefined && (await isRunning(pid))) process.kill(pid, "SIGKILL");
});

const startOwner = async (directory: string, note: string, ...args: string[]): Promise<RunningProgram> => {
  const path = programs.path("test/database/programs/server-owner");
  const owner = await startProgram(path, [directory, note, ...args]);
  owners.push(owner);
  return owner;
};
const startReadyOwner = async (note: string): Promise<RunningProgram> => {
  const owner = await startOwner(dataDir, note);
  await expect.poll(owner.output, { timeout: 10_000, interval: 10 }).toContain("ready");
  return owner;
};
const isRunning = async (pid: number | undefined): Promise<boolean> =>
  pid !== undefined && (await identifyProcess(pid)) !== undefined;

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s to the whole process group lets work finish, then closes pool and server, in this order",
  async (signal) => {
    const owner = await startReadyOwner(signal);
    const pid = await serverPid(dataDir);
    process.kill(-owner.pid, signal);
    expect(await owner.ended).toBe(0);
    expect(owner.errors()).toBe("");
    expect(owner.output().split("\n").slice(1)).toEqual(["work done", "pool closed", "server stopped", ""]);
    expect(await isRunning(pid)).toBe(false);
    expect(await readdir(dataDir)).toEqual(["postgres"]);
  },
);

test("a second process is refused in one line that names the first, which goes on", async () => {
  const first = await startReadyOwner("first");
  const second = await startOwner(dataDir, "second");
  expect(await second.ended).toBe(1);
  expect(second.output()).toBe("");
  expect(second.errors()).toBe(
    `DATA_DIR ${dataDir} is in use by process ${first.pid}; stop it, or set another DATA_DIR\n`,
  );
  expect(first.child.exitCode).toBeNull();
});

test("a server that outlived its killed owner is ended, and its data taken over", async () => {
  const owner = await startReadyOwner("orphaned");
  const orphan = await serverPid(dataDir);
  owner.child.kill("SIGKILL");
  expect(await owner.ended).toBe("SIGKILL");
  expect(await isRunning(orphan)).toBe(true);

  const server = await startEmbeddedPostgres({ dataDir, log: silentLog });
  expect(await query(server.url, "select text from note")).toContainEqual({ text: "orphaned" });
  expect(await isRunning(orphan)).toBe(false);
  await server.stop();
});

test("an owner and a server killed at once leave everything that was committed", async () => {
  const owner = await startReadyOwner("killed at once");
  owner.child.kill("SIGKILL");
  process.kill((await serverPid(dataDir)) ?? 0, "SIGKILL");
  await owner.ended;

  const server = await startEmbeddedPostgres({ dataDir, log: silentLog });
  expect(await query(server.url, "select text from note")).toContainEqual({ text: "killed at once" });
  await server.stop();
});

test("an owner killed while it creates the database hinders nobody", async () => {
  const empty = await makeDataDir();
  const owner = await startOwner(empty, "never written");
  const hasBegun = async (): Promise<boolean> =>
    (await readdir(empty)).some((name) => name.startsWith("postgres.new-"));
  await expect.poll(hasBegun, { timeout: 10_000, interval: 1 }).toBe(true);
  owner.child.kill("SIGKILL");
  await owner.ended;

  const server = await startEmbeddedPostgres({ dataDir: empty, log: silentLog });
  expect(await query(server.url, "select 1 as n")).toEqual([{ n: 1 }]);
  await server.stop();
  expect(await readdir(empty)).toEqual(["postgres"]);
  await removeDataDir(empty);
});

test("an owner that exits without closing takes its server along", async () => {
  const owner = await startOwner(dataDir, "never written", "leave");
  expect(await owner.ended).toBe(0);
  await expect.poll(() => serverPid(dataDir), { timeout: 10_000 }).toBeUndefined();
});
