import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The clock of servers started from now on, through Debian's libfaketime. */
export interface FakeClock {
  /** Sets it this many seconds ahead of the true time (or behind it), for running and future servers. */
  set(offsetSeconds: number): Promise<void>;
  /** Restores the environment. */
  close(): void;
}

const LIBRARIES = "/usr/lib";

/** The library's path; undefined if the package is not installed. */
export const FAKETIME = (existsSync(LIBRARIES) ? readdirSync(LIBRARIES) : [])
  .map((folder) => join(LIBRARIES, folder, "faketime/libfaketimeMT.so.1"))
  .find((path) => existsSync(path));

/**
 * Gives child processes that inherit the environment a clock of our own.
 *
 * @param directory where the setting is kept; children must be able to read it.
 */
export async function openFakeClock(directory: string): Promise<FakeClock> {
  const file = join(directory, "clock");
  const variables: Record<string, string> = {
    LD_PRELOAD: FAKETIME ?? "",
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    // Leave pauses and timeouts as they are.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = (offsetSeconds: number) =>
    writeFile(file, `${offsetSeconds < 0 ? "" : "+"}${offsetSeconds}`, { mode: 0o644 });
  await set(0);
  Object.assign(process.env, variables);
  return {
    set,
    close: () => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}
