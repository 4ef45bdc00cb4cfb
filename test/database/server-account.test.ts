import { execFile } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { silentLog } from "../../src/database/connection-errors.ts";
import { chooseServerAccount, type ServerAccount } from "../../src/database/embedded/account.ts";

const run = async (account: ServerAccount, program: string, ...args: string[]): Promise<string> => {
  const { program: command, args: all, ...ids } = account.command(program, args);
  const { stdout } = await promisify(execFile)(command, all, { ...ids, cwd: "/" });
  return stdout.trim();
};

const NOWHERE = join(tmpdir(), "no such directory");

describe("the account of the server", () => {
  test("is never root", async () => {
    const account = await chooseServerAccount(NOWHERE, [tmpdir()], silentLog);
    expect(await run(account, "id", "-u")).not.toBe("0");
  });

  test("owns the folder that it is given", async () => {
    const account = await chooseServerAccount(NOWHERE, [inject("scratch")], silentLog);
    const folder = await mkdtemp(join(inject("scratch"), "account-"));
    await account.own(folder);
    expect(String((await stat(folder)).uid)).toBe(await run(account, "id", "-u"));
  });

  test("is the owner of existing files", async () => {
    const home = await mkdtemp(join(inject("scratch"), "account-"));
    if (process.getuid?.() === 0) await chown(home, 12_345, 12_345);
    const account = await chooseServerAccount(home, [], silentLog);
    expect(await run(account, "id", "-u")).toBe(String((await stat(home)).uid));
  });

  test("can read and run files in its paths, even if a directory above is closed to others", async () => {
    const closed = await mkdtemp(join(inject("scratch"), "account-"));
    const folder = join(closed, "below");
    await mkdir(folder);
    const program = join(folder, "program");
    await writeFile(program, "#!/bin/sh\necho reached\n");
    await chmod(program, 0o755);
    await chmod(closed, 0o700);

    const account = await chooseServerAccount(NOWHERE, [tmpdir(), folder], silentLog);
    expect(await run(account, "id", "-u")).not.toBe("0");
    expect(await run(account, "cat", program)).toContain("reached");
    expect(await run(account, program)).toBe("reached");
    // PostgreSQL's programs use access(2) to find each other.
    expect(await run(account, "test", "-x", program)).toBe("");
  });
});
