import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { silentLog } from "../../src/database/connection-errors.ts";
import { identifyProcess } from "../../src/database/embedded/lock.ts";
import { type EmbeddedPostgres, openPool, startEmbeddedPostgres } from "../../src/database/index.ts";
import { makeDataDir, makeSeed, query, removeDataDir, serverPid } from "./data-directory.ts";

/** Shared by the tests that neither create a database nor damage it. */
let dataDir: string;
beforeAll(async () => {
  dataDir = await makeSeed();
});
afterAll(async () => {
  await removeDataDir(dataDir);
});

const servers: EmbeddedPostgres[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const start = async (directory: string): Promise<EmbeddedPostgres> => {
  const server = await startEmbeddedPostgres({ dataDir: directory, log: silentLog });
  servers.push(server);
  return server;
};

const cluster = (): string => join(dataDir, "postgres", "cluster");

const notes = async (url: string): Promise<unknown[]> =>
  (await query(url, "select text from note order by ctid")).map(({ text }) => text);

test("a new database has the settings that the service needs, and accepts only this machine and the password", async () => {
  const parent = await makeDataDir();
  const created = join(parent, "below", "data");
  const server = await start(created);
  const settings = await query(
    server.url,
    `select name, setting from pg_settings
      where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'TimeZone', 'server_encoding',
                     'listen_addresses', 'max_wal_senders')
      order by name collate "C"`,
  );
  expect(settings.map(({ name, setting }) => `${name}=${setting}`)).toEqual([
    "TimeZone=UTC",
    "fsync=on",
    "full_page_writes=on",
    "listen_addresses=127.0.0.1",
    "max_wal_senders=0",
    "server_encoding=UTF8",
    "synchronous_commit=on",
  ]);
  const databases = await query(
    server.url,
    "select datname, datcollate from pg_database where datname = current_database()",
  );
  expect(databases).toEqual([{ datname: "finance", datcollate: "C" }]);
  expect((await stat(join(created, "postgres", "password"))).mode & 0o777).toBe(0o600);

  for (const search of [new URL(server.url).search, ""]) {
    const stranger = Object.assign(new URL(server.url), { password: "guess", search });
    await expect(query(stranger.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
  }
  await server.stop();
  await removeDataDir(parent);
});

describe("an existing database", () => {
  test("keeps its data and password, and nothing runs between two starts", async () => {
    const first = await start(dataDir);
    const text = randomUUID();
    await query(first.url, `insert into note values ('${text}')`);
    const pid = await serverPid(dataDir);
    await first.stop();
    expect(pid && (await identifyProcess(pid))).toBeUndefined();
    expect(await readdir(dataDir)).toEqual(["postgres"]);

    const second = await start(dataDir);
    expect(await notes(second.url)).toEqual(expect.arrayContaining(["seed", text]));
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
  });

  test("may be stopped twice; the second time does not release the lock of another process", async () => {
    const first = await start(dataDir);
    await Promise.all([first.stop(), first.stop()]);
    await start(dataDir);
    await first.stop();
    await expect(start(dataDir)).rejects.toThrow("is in use by process");
  });

  test("starts even if its directory is closed to others", async () => {
    await chmod(dataDir, 0o700);
    const server = await start(dataDir).finally(() => chmod(dataDir, 0o711));
    expect(await notes(server.url)).toContain("seed");
  });

  test.each(["sp ace", "a+b", "100%", "ünï 日本", "a&b=c#d?e"])("starts in a directory named %s", async (name) => {
    const directory = join(await makeDataDir(), name);
    await mkdir(directory);
    await rename(join(dataDir, "postgres"), join(directory, "postgres"));
    try {
      const server = await start(directory);
      expect(await notes(server.url)).toContain("seed");
      await server.stop();
    } finally {
      await rename(join(directory, "postgres"), join(dataDir, "postgres"));
    }
  });

  test("starts if its path is too long for a socket", async () => {
    const long = join(await makeDataDir(), "d".repeat(120));
    await mkdir(long);
    await rename(join(dataDir, "postgres"), join(long, "postgres"));
    try {
      const server = await start(long);
      expect(new URL(server.url).search).toBe("");
      expect(await notes(server.url)).toContain("seed");
      await server.stop();
    } finally {
      await rename(join(long, "postgres"), join(dataDir, "postgres"));
    }
  });

  test("starts even if its stale pid file names the process of another program", async () => {
    const { uid, gid } = await stat(cluster());
    const bystander = spawn("sleep", ["60"], { uid, gid, stdio: "ignore" });
    await once(bystander, "spawn");
    const stale = [bystander.pid, cluster(), 1_767_225_600, 5432, "", "", "", "ready   ", ""];
    await writeFile(join(cluster(), "postmaster.pid"), stale.join("\n"));

    const server = await start(dataDir);
    expect(await notes(server.url)).toContain("seed");
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill();
    await once(bystander, "exit");
  });
});

describe("a server that is killed", () => {
  test("restarts at the same address with all commits, and pools reconnect", async () => {
    const server = await start(dataDir);
    const pool = openPool({ connectionString: server.url });
    const text = randomUUID();
    await pool.query("insert into note values ($1)", [text]);
    const killed = await serverPid(dataDir);
    process.kill(killed ?? 0, "SIGKILL");

    const find = async (): Promise<number | null> =>
      (await pool.query("select from note where text = $1", [text]).catch(() => ({ rowCount: null }))).rowCount;
    await expect.poll(() => serverPid(dataDir), { timeout: 10_000 }).not.toBe(killed);
    await expect.poll(find, { timeout: 10_000 }).toBe(1);
    await pool.end();
  });

  test.each(["at once", "while it restarts"])("does not restart if it must stop %s", async (when) => {
    const noticed = new EventEmitter();
    const log = { ...silentLog, error: () => void noticed.emit("error noticed") };
    const server = await startEmbeddedPostgres({ dataDir, log });
    const hasNoticed = once(noticed, "error noticed");
    process.kill((await serverPid(dataDir)) ?? 0, "SIGKILL");
    if (when !== "at once") await hasNoticed;
    await server.stop();

    const last = await serverPid(dataDir);
    expect(last === undefined ? undefined : await identifyProcess(last)).toBeUndefined();
    expect(await readdir(dataDir)).toEqual(["postgres"]);
  });
});

describe("one line describes a directory that can't be used:", () => {
  const failure = async (directory: string): Promise<string> => {
    const error = await start(directory).catch((reason: unknown) => reason);
    if (!(error instanceof Error) || error.name !== "DatabaseStartError") throw error;
    return error.message.replaceAll(directory, "DIR");
  };

  test("in use by this process", async () => {
    await start(dataDir);
    expect(await failure(dataDir)).toBe(
      `DATA_DIR DIR is in use by process ${process.pid}; stop it, or set another DATA_DIR`,
    );
  });

  test("a file, and a path below a file", async () => {
    const file = join(await makeDataDir(), "file");
    await writeFile(file, "");
    expect(await failure(file)).toBe("DATA_DIR DIR is not a directory; set another DATA_DIR");
    expect(await failure(join(file, "data"))).toBe(
      "DATA_DIR DIR is below a path that is not a directory; set another DATA_DIR",
    );
  });

  test("not writable", async () => {
    const closed = await makeDataDir();
    await chmod(closed, 0o555);
    // Permissions do not stop root, but the kernel's own file system does.
    expect(await failure(process.getuid?.() === 0 ? "/sys/finance-data" : closed)).toMatch(
      /^DATA_DIR DIR is (not writable for this user; allow writing, or|on a read-only file system;) set another DATA_DIR$/,
    );
  });

  test.runIf(process.platform === "linux")("where nothing can be made", async () => {
    expect(await failure("/proc/nothing")).toBe("DATA_DIR DIR can't be made; set another DATA_DIR");
    expect(await failure("/proc/nothing/deeper")).toBe("DATA_DIR DIR can't be made; set another DATA_DIR");
  });

  test("something else where the database would be", async () => {
    const directory = await makeDataDir();
    await mkdir(join(directory, "postgres"));
    await writeFile(join(directory, "postgres", "letter.txt"), "dear");
    expect(await failure(directory)).toBe(
      "DIR/postgres does not contain a PostgreSQL database; move it away, or set another DATA_DIR",
    );
    expect(await readFile(join(directory, "postgres", "letter.txt"), "utf8")).toBe("dear");
  });

  test.each<[what: string, file: string, content: string | undefined, message: RegExp]>([
    [
      "a database of another major version",
      "cluster/PG_VERSION",
      "15\n",
      /^DATA_DIR DIR contains a database of PostgreSQL 15, but this is 18\.\d+; dump and restore it, or set another DATA_DIR$/,
    ],
    [
      "a database that lost its password",
      "password",
      undefined,
      /^DATA_DIR DIR lacks DIR\/postgres\/password; restore it, or set another DATA_DIR$/,
    ],
    [
      "a damaged database",
      "cluster/global/pg_control",
      undefined,
      /^DATA_DIR DIR can't be used \(could not find the database system\); repair it, or set another DATA_DIR$/,
    ],
  ])("%s; after a repair, the directory is free", async (_, file, content, message) => {
    const path = join(dataDir, "postgres", file);
    await rename(path, `${path}.kept`);
    if (content !== undefined) await writeFile(path, content);
    try {
      expect(await failure(dataDir)).toMatch(message);
    } finally {
      await rm(path, { force: true });
      await rename(`${path}.kept`, path);
    }
    expect(await notes((await start(dataDir)).url)).toContain("seed");
  });
});
