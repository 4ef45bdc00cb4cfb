import { describe, expect, test } from "vitest";
import { DatabaseStartError, directoryFailure, outputFailure, PostgresFailure } from "../../src/database/errors.ts";

describe("output of PostgreSQL's programs becomes one line", () => {
  test.each<[output: string, line: string]>([
    [
      'initdb: error: could not write file "postgresql.conf": No space left on device\ninitdb: removing contents',
      "DATA_DIR .data is on a full disk; make room, or set another DATA_DIR",
    ],
    [
      "FATAL:  database files are incompatible with server\nDETAIL:  The data directory was initialized by PostgreSQL version 17, which is not compatible with this version 18.4.",
      "DATA_DIR .data contains a database of PostgreSQL 17, but this is 18.4; dump and restore it, or set another DATA_DIR",
    ],
    [
      'FATAL:  lock file "postmaster.pid" already exists\nHINT:  Is another postmaster (PID 4711) running in data directory "/x"?',
      "DATA_DIR .data is in use by a PostgreSQL server, process 4711; stop it, or set another DATA_DIR",
    ],
    [
      "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use",
      "DATA_DIR .data is still in use by processes of a killed PostgreSQL server; end them, or set another DATA_DIR",
    ],
    [
      "LOG:  starting\nPANIC:  could not locate a valid checkpoint record at 0/1\nLOG:  startup process was terminated",
      "DATA_DIR .data can't be used (could not locate a valid checkpoint record at 0/1); repair it, or set another DATA_DIR",
    ],
    [
      "Error: spawn postgres ENOENT",
      "the embedded PostgreSQL does not run here (postgres failed: Error: spawn postgres ENOENT); set DATABASE_URL to another PostgreSQL",
    ],
  ])("%j", (output, line) => {
    expect(outputFailure(new PostgresFailure("postgres", output), ".data").message).toBe(line);
  });
});

describe("an error of the file system becomes one line", () => {
  test.each<[code: string, line: string]>([
    ["EACCES", "DATA_DIR .data is not writable for this user; allow writing, or set another DATA_DIR"],
    ["EROFS", "DATA_DIR .data is on a read-only file system; set another DATA_DIR"],
    ["ENOSPC", "DATA_DIR .data is on a full disk; make room, or set another DATA_DIR"],
    ["EDQUOT", "DATA_DIR .data is on a full disk; make room, or set another DATA_DIR"],
    ["ENOTDIR", "DATA_DIR .data is below a path that is not a directory; set another DATA_DIR"],
  ])("%s", (code, line) => {
    expect(directoryFailure(Object.assign(new Error(code), { code }), ".data")).toEqual(new DatabaseStartError(line));
  });

  test("any other error stays as it is", () => {
    const error = new TypeError("a mistake of ours");
    expect(directoryFailure(error, ".data")).toBe(error);
  });
});
