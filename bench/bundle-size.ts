import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The size of the code that a page downloads, with its imports. */
export interface BundleSize {
  /** Bytes, minified. */
  readonly minified: number;
  /** Bytes, minified and then compressed by gzip at level 9. */
  readonly gzipped: number;
}

/** Bundles a module for browsers. Imports are resolved from the project's root; `finance-service/client` is the built one. */
export async function bundleSize(source: string): Promise<BundleSize> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
}

/** Code that uses only these methods of our client. */
export function clientOf(...methods: readonly string[]): string {
  const names = methods.join(", ");
  return `
    import { createClient, ${names} } from "finance-service/client";
    globalThis.finance = createClient({ ${names} }, { baseUrl: "https://api.example.com", token: "t" });`;
}

/** Code that uses all methods of our client. */
export const wholeClient = `
  import { createFinanceClient } from "finance-service/client";
  globalThis.finance = createFinanceClient({ baseUrl: "https://api.example.com", token: "t" });`;
