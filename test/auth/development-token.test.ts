import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { developmentSecret } from "../../src/auth/index.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "secret-"));
});
afterEach(() => rm(directory, { recursive: true }));

test("the development secret is made once, readable only by its owner", async () => {
  const dataDir = join(directory, "not", "there", "yet");
  const secret = await developmentSecret(dataDir);
  expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
  expect(await developmentSecret(dataDir)).toBe(secret);
  const [file] = await readdir(dataDir);
  expect((await stat(join(dataDir, file ?? ""))).mode & 0o777).toBe(0o600);
});

test("ten processes that start at once agree on one secret and leave nothing else behind", async () => {
  const secrets = await Promise.all(Array.from({ length: 10 }, () => developmentSecret(directory)));
  expect(new Set(secrets).size).toBe(1);
  expect(await readdir(directory)).toHaveLength(1);
});
