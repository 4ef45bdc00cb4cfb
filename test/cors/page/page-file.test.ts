/** The one HTML file: its size, its policy, and what it does not contain. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { buildPage } from "../../../packages/cors/build-page.ts";

const page = await buildPage();

test("it has at most 40 KB when compressed", () => {
  expect(gzipSync(page, { level: 9 }).byteLength).toBeLessThanOrEqual(40_000);
});

test("its policy allows its own script and style, by their hashes, and no connection", () => {
  const hashOf = (pattern: RegExp) => {
    const [, text = ""] = pattern.exec(page) ?? [];
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  };
  const [, policy] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(page) ?? [];
  expect(policy?.split("; ")).toEqual([
    "default-src 'none'",
    `script-src ${hashOf(/<script type="module">(.*?)<\/script>/s)}`,
    `style-src ${hashOf(/<style>(.*?)<\/style>/s)}`,
    "connect-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
  ]);
});

test("its code has no way to make HTML of a text, and none to send one", () => {
  const [, script = ""] = /<script type="module">(.*?)<\/script>/s.exec(page) ?? [];
  expect(script).not.toMatch(
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment/,
  );
  expect(script).not.toMatch(
    /\bfetch\(|new XMLHttpRequest|sendBeacon|new WebSocket|new EventSource|\beval\(|new Function/,
  );
});
