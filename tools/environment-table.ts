/** Writes the table of environment variables in README.md: npx tsx tools/environment-table.ts */
import { readFileSync, writeFileSync } from "node:fs";
import { variablesTable } from "../src/config/variables.ts";

const readme = readFileSync("README.md", "utf8");
const start = readme.indexOf("| variable | default |");
const end = readme.indexOf("\n\n", start);
writeFileSync("README.md", readme.slice(0, start) + variablesTable() + readme.slice(end));
