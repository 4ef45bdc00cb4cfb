/** Writes the OpenAPI document and the reference page: `node generate.mjs generated/openapi.json docs/api.md`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describeApi, openApiDocument } from "./document.ts";
import type { Image } from "./image.ts";
import { referencePage } from "./reference.ts";

const [documentPath, pagePath] = process.argv.slice(2);
if (documentPath === undefined || pagePath === undefined) throw new Error("say where the document and the page go");

const image: Image = JSON.parse(
  execFileSync("node_modules/.bin/buf", ["build", "proto", "-o", "-#format=json"], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  }),
);
const api = describeApi(image);
write(documentPath, `${JSON.stringify(openApiDocument(api), null, 2)}\n`);
write(pagePath, referencePage(api));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
