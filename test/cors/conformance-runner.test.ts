import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { run } from "../conformance/cors.ts";

const preflight = {
  method: "OPTIONS",
  path: "/twirp/lab.v1.Conformance/Echo",
  headers: { Origin: "https://app.example.com", "Access-Control-Request-Method": "POST" },
};
const stranger = { ...preflight, headers: { ...preflight.headers, Origin: "https://evil.example" } };
const actual = { ...preflight, method: "POST", headers: { Origin: "https://app.example.com" } };

/** Cases that this server does not meet, one expectation each: the runner must fail them all. */
const unmet: Record<string, unknown>[] = [
  { request: preflight, expect: { kind: "preflight", status: 200 } },
  { request: preflight, expect: { kind: "preflight", status_any: [400, 404] } },
  { request: preflight, expect: { kind: "preflight", browser: "blocks" } },
  { request: stranger, expect: { kind: "preflight", browser: "allows" } },
  { request: stranger, expect: { kind: "preflight", body_empty: true } },
  { request: preflight, expect: { kind: "preflight", headers: { "access-control-allow-origin": "*" } } },
  { request: preflight, expect: { kind: "preflight", absent: ["access-control-allow-origin"] } },
  {
    request: preflight,
    expect: { kind: "preflight", absent_value: { "access-control-allow-origin": ["https://app.example.com"] } },
  },
  { request: actual, expect: { kind: "actual", vary_includes: ["accept"] } },
  { request: actual, expect: { kind: "actual", vary_star: true } },
  { request: preflight, expect: { kind: "preflight", allow_headers_must_list: ["x-a"] } },
  { request: preflight, expect: { kind: "preflight", allow_methods_must_list: ["PUT"] } },
  { request: actual, expect: { kind: "actual", expose_list: ["x-a"] } },
  { request: preflight, expect: { kind: "preflight", reason: "origin_not_allowed" } },
  { request: stranger, expect: { kind: "preflight", reason: "method_not_allowed" } },
  { request: stranger, expect: { kind: "preflight", names: ["x-a"] } },
  { request: stranger, expect: { kind: "preflight", hint: "did you mean" } },
  { request: actual, expect: { kind: "actual", browser: "allows", client: { credentials: "include" } } },
  { request: { ...actual, path: "/nowhere" }, expect: { kind: "actual", status: 200 } },
  { request: actual, app: "auth", expect: { kind: "actual", status: 200 } },
  { config: { allowedOrigins: ["null"] }, expect: { kind: "config_ok" } },
  { config: { allowedOrigins: ["null"] }, expect: { kind: "config_error", reason: "missing" } },
  { config: {}, expect: { kind: "config_error", reason: "missing" } },
  { config: {}, expect: { kind: "config_error" } },
  { config: {}, expect: { kind: "config_ok", effective: { exposedHeaders: ["x-a"] } } },
];

const notRunnable: Record<string, unknown>[] = [
  { request: actual, app: "a rate limiter answers", expect: { kind: "actual" } },
  { request: actual, expect: { kind: "actual", unheard_of: true } },
  { config: { unheard_of: true }, expect: { kind: "config_ok" } },
  { expect: { kind: "behaviour" } },
];

const met: Record<string, unknown>[] = [
  { request: preflight, expect: { kind: "preflight", status: 204, browser: "allows" } },
  { request: stranger, expect: { kind: "preflight", browser: "blocks", reason: "origin_not_allowed" } },
  { group: "diagnostics", expect: { kind: "behaviour" } },
];

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function runTable(cases: Record<string, unknown>[]) {
  const folder = await mkdtemp(join(tmpdir(), "cors-cases-"));
  const file = join(folder, "cases.json");
  const numbered = cases.map((entry, i) => ({ id: `case.${i}`, group: "any", config: {}, ...entry }));
  const default_config = {
    allowedOrigins: ["https://app.example.com"],
    allowedMethods: ["POST"],
    allowedHeaders: [],
    exposedHeaders: [],
    credentials: false,
    maxAge: null,
    privateNetwork: false,
  };
  await writeFile(file, JSON.stringify({ default_config, cases: numbered }));
  vi.stubEnv("CORS_CASES", file);
  const printed = vi.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    return { ...(await run()), printed: printed.mock.calls.map(([line]) => String(line)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a case that is not met fails, and its line has the expected and the received value", async () => {
  const { passed, failed, skipped, printed } = await runTable(unmet);
  expect({ passed, failed, skipped }).toEqual({ passed: 0, failed: unmet.length, skipped: [] });
  expect(printed).toHaveLength(unmet.length);
  expect(printed[0]).toBe("case.0: status: expected 200, came 204");
});

test("a case that cannot be run is skipped with the reason, never passed", async () => {
  const { passed, failed, skipped } = await runTable(notRunnable);
  expect({ passed, failed }).toEqual({ passed: 0, failed: 0 });
  expect(skipped.map(({ id }) => id)).toEqual(notRunnable.map((_, i) => `case.${i}`));
  expect(skipped[0]?.reason).toContain("a rate limiter answers");
  expect(skipped[1]?.reason).toContain("unheard_of");
});

test("a case that is met prints nothing", async () => {
  expect(await runTable(met)).toEqual({ passed: met.length, failed: 0, skipped: [], printed: [] });
});
