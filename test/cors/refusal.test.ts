import { expect, test } from "vitest";
import { isRefused } from "../../packages/cors/src/decide.ts";
import type { CorsConfig, CorsRequest } from "../../packages/cors/src/index.ts";
import { compile, decide } from "../../packages/cors/src/index.ts";
import { describeRefusal } from "../../packages/cors/src/refusals.ts";

const app = "https://app.example.com";

function describe(config: Partial<CorsConfig>, request: Partial<CorsRequest>) {
  const compilation = compile({ allowedOrigins: [app], allowedMethods: ["POST", "PATCH"], ...config });
  if (!compilation.ok) throw new Error("a configuration of this test is wrong");
  const asked = { method: "OPTIONS", origin: app, requestMethod: "POST", ...request };
  const decision = decide(compilation.policy, asked);
  return isRefused(decision) ? describeRefusal(compilation.policy, asked, decision) : null;
}

test("an allowed request is not a refusal", () => {
  expect(describe({}, {})).toBeNull();
  expect(describe({}, { origin: undefined })).toBeNull();
});

test("a refused origin comes with the nearest allowed one", () => {
  expect(describe({}, { origin: `${app}:8443`, requestHeaders: "X-A,x-b" })).toMatchObject({
    reason: "origin_not_allowed",
    preflight: true,
    origin: `${app}:8443`,
    method: "POST",
    headers: ["x-a", "x-b"],
    refusedHeaders: [],
    nearest: { origin: app, difference: "differs by port" },
    hint: null,
  });
});

test("an unreadable reply is described by its own method", () => {
  const refusal = describe({}, { method: "GET", origin: "https://evil.example" });
  expect(refusal).toMatchObject({ reason: "origin_not_allowed", preflight: false, method: "GET", headers: [] });
});

test("a method in the wrong case is named", () => {
  const refusal = describe({}, { requestMethod: "patch" });
  expect(refusal).toMatchObject({
    reason: "method_not_allowed",
    nearest: null,
    hint: "method names are case-sensitive; did you mean PATCH",
  });
});

test("authorization under * is explained", () => {
  const refusal = describe({ allowedHeaders: ["*"] }, { requestHeaders: "authorization,x-a" });
  expect(refusal).toMatchObject({ reason: "header_not_allowed", refusedHeaders: ["authorization"] });
  expect(refusal?.hint).toContain("never covers authorization");
});

test.each(["access-control-allow-origin", "vary", "x-frame-options"])(
  "%s is a header that no page should send",
  (name) => {
    expect(describe({}, { requestHeaders: `authorization,${name}` })?.hint).toContain(
      `${name} is a header of responses`,
    );
  },
);

test("the origin null is explained", () => {
  expect(describe({}, { origin: "null" })?.hint).toContain("sandboxed frames");
});

test("long values are cut, with their length", () => {
  const names = Array.from({ length: 30 }, (_, i) => `x-${i}`);
  const refusal = describe(
    {},
    { origin: `https://${"a".repeat(1_000)}`, requestMethod: "M".repeat(500), requestHeaders: names.join() },
  );
  expect(refusal?.origin).toBe(`https://${"a".repeat(192)}... (1008 characters)`);
  expect(refusal?.method).toBe(`${"M".repeat(200)}... (500 characters)`);
  expect(refusal?.headers).toEqual([...names.slice(0, 20), "(10 more)"]);
  expect(describe({}, { requestHeaders: "x".repeat(6_000) })?.refusedHeaders).toEqual(["(name of 6000 characters)"]);
});
