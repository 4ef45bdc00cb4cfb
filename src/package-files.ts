import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder of package.json, above the sources and above the bundle alike. */
function findRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json above ${import.meta.dirname}`);
  }
}

/** The package's own migrations. */
export const migrationsDirectory = (): string => join(findRoot(), "migrations");

/** The pages of the console, as `npm run build` makes them. */
export const consolePages = (): string => join(findRoot(), "dist", "web");
