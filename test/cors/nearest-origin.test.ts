import { expect, test } from "vitest";
import { compile, nearestOrigin } from "../../packages/cors/src/index.ts";

type Case = [asked: string, allowed: string[], nearest: string | null, difference?: string];

const app = "https://app.example.com";
const local = "http://localhost:5173";

const cases: Case[] = [
  ["http://localhost:5174", [app, local], local, "differs by port"],
  ["http://localhost", [local], local, "differs by port"],
  ["https://localhost:5173", [local], local, "differs by scheme"],
  ["https://localhost:5174", [local], local, "differs by scheme and port"],
  ["http://127.0.0.1:5173", [local], local, "differs by host: localhost and 127.0.0.1 are different origins"],
  ["http://[::1]:5174", [local], local, "differs by host and port: localhost and [::1] are different origins"],
  ["https://localhost:1", ["http://localhost:*"], "http://localhost:*", "differs by scheme"],
  [
    "https://www.example.com",
    ["https://example.com"],
    "https://example.com",
    "differs by host: example.com and www.example.com are different origins",
  ],
  [
    "https://example.com",
    ["https://*.example.com"],
    "https://*.example.com",
    "differs by host: *.example.com covers subdomains, not example.com itself",
  ],
  ["https://a.example.com:8443", ["https://*.example.com"], "https://*.example.com", "differs by port"],
  ["https://ap.example.com", ["https://other.test", app], app, "differs by host"],
  ["https://billing.example.com", ["https://other.test", app], app, "differs by host"],
  [`${app}/`, [app], app, `differs by form: browsers write ${app}`],
  [`${app}:443`, [app], app, `differs by form: browsers write ${app}`],
  ["https://APP.example.com", [app], app, `differs by form: browsers write ${app}`],
  [
    "https://A.example.com",
    ["https://*.example.com"],
    "https://*.example.com",
    "differs by form: browsers write https://a.example.com",
  ],
  [
    "https://app-.vercel.app",
    ["https://other.vercel.app", "https://app-*-team.vercel.app"],
    "https://app-*-team.vercel.app",
    "differs by host: * stands for 1 or more letters, digits, hyphens and underscores",
  ],
  [
    "https://x.app-1-team.vercel.app",
    ["https://app-*-team.vercel.app"],
    "https://app-*-team.vercel.app",
    "differs by host: * stands for 1 or more letters, digits, hyphens and underscores",
  ],
  [
    "http://app-1-team.vercel.app",
    ["https://app-*-team.vercel.app"],
    "https://app-*-team.vercel.app",
    "differs by scheme",
  ],
  ["https://evil.test", [app, "https://app-*-team.vercel.app", "moz-extension://*"], app, "differs by host"],
  ["moz-extension://abc", ["moz-extension://*"], "moz-extension://*", "differs by host"],
  ["https://evil.test", [app], app, "differs by host"],
  ["null", [app], null],
  ["garbage", [app], null],
  ["", [app], null],
  [`https://${"a".repeat(300)}.com`, [app], null],
  [app, ["none"], null],
];

test.each(cases)("%s among %j is nearest to %s", (asked, allowedOrigins, origin, difference) => {
  const compilation = compile({ allowedOrigins });
  if (!compilation.ok) throw new Error("a list of this test is wrong");
  expect(nearestOrigin(compilation.policy, asked)).toEqual(origin === null ? null : { origin, difference });
});
