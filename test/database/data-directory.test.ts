import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { makeDirectory } from "../../src/database/embedded/server.ts";

const scratch = (name: string) => join(inject("scratch"), `data-directory-${name}`);

test("makes missing directories above it, and accepts an existing one", async () => {
  const path = join(scratch("deep"), "a", "b");
  await makeDirectory(path);
  await makeDirectory(path);
  expect((await stat(path)).isDirectory()).toBe(true);
});

test("fails on a file of that name", async () => {
  await mkdir(scratch("file"));
  const path = join(scratch("file"), "taken");
  await writeFile(path, "");
  await expect(makeDirectory(path)).rejects.toMatchObject({ code: "EEXIST" });
});

test("fails below a file", async () => {
  await mkdir(scratch("below"));
  const path = join(scratch("below"), "taken");
  await writeFile(path, "");
  await expect(makeDirectory(join(path, "deeper"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

test.runIf(process.platform === "linux")("fails at once where nothing can be made", async () => {
  await expect(makeDirectory("/proc/nothing/here")).rejects.toMatchObject({ code: "ENOENT" });
});
