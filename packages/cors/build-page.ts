/** Builds the doctor as one HTML file that needs no other: `tsx build-page.ts FILE`. */

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const pages = fileURLToPath(new URL("src/page/", import.meta.url));

/** The page may run its own script and use its own styles, and nothing else: it cannot open a connection. */
function policyFor(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
  ].join("; ");
}

/** https://www.w3.org/TR/CSP3/#grammardef-hash-source */
function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${pages}${entry}`],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: ["chrome123", "firefox120", "safari17.5"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
  const [{ text = "" } = {}] = outputFiles;
  return text.trim();
}

/** The page, complete. */
export async function buildPage(): Promise<string> {
  const [script, style, template] = await Promise.all([
    bundle("main.ts"),
    bundle("style.css"),
    readFile(`${pages}index.html`, "utf8"),
  ]);
  if (/<\/(?:script|style)/i.test(script + style)) throw new Error("the script or the style would end early");
  const parts = [
    [`content="default-src 'none'"`, `content="${policyFor(script, style)}"`],
    ["</style>", `${style}</style>`],
    ["</script>", `${script}</script>`],
  ] as const;
  return parts.reduce((html, [place, filled]) => html.replace(place, () => filled), template);
}

const [, program, file] = process.argv;
if (program === fileURLToPath(import.meta.url)) {
  if (file === undefined) throw new TypeError("usage: tsx build-page.ts FILE");
  await writeFile(file, await buildPage());
}
