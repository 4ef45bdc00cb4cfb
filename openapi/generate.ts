/** Writes the OpenAPI document, the reference page and the client's tables of fields into a directory: `node generate.mjs .` */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { clientFields } from "./client-fields.ts";
import { describeApi, openApiDocument } from "./document.ts";
import type { Image } from "./image.ts";
import { referencePage } from "./reference.ts";

const [directory = ""] = process.argv.slice(2);
if (directory === "") throw new Error("say into which directory to write");

const image: Image = JSON.parse(
  execFileSync("node_modules/.bin/buf", ["build", "proto", "-o", "-#format=json"], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  }),
);
const api = describeApi(image);
write("generated/openapi.json", `${JSON.stringify(openApiDocument(api), null, 2)}\n`);
write("docs/api.md", referencePage(api));
write("generated/client/fields.ts", clientFields(image));

function write(name: string, text: string): void {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
