import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What a page downloads for a piece of code and all that it imports. */
export interface BundleSize {
  /** Bytes, minified. */
  readonly minified: number;
  /** Bytes, minified and then compressed by gzip at its best. */
  readonly gzipped: number;
}

/** Bundles a module for browsers. Its imports are resolved from the root of the project, `finance-service/client` as the build left it. */
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

/** Code that uses these methods of our client, and no more. */
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
