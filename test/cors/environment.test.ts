import { expect, test } from "vitest";
import { decide, readCorsPolicy } from "../../packages/cors/src/index.ts";

function policyOf(environment: Record<string, string>) {
  const reading = readCorsPolicy(environment);
  if (!reading.ok) throw new Error(reading.mistakes.join("\n"));
  return reading.policy;
}

function mistakesOf(environment: Record<string, string>): readonly string[] {
  const reading = readCorsPolicy(environment);
  return reading.ok ? [] : reading.mistakes;
}

test("the development defaults allow the preflight of axios", () => {
  const decision = decide(policyOf({}), {
    method: "OPTIONS",
    origin: "http://localhost:5173",
    requestMethod: "POST",
    requestHeaders: "authorization,content-type",
  });
  expect(decision).toMatchObject({
    reason: "allowed",
    status: 204,
    headers: {
      "access-control-allow-origin": "http://localhost:5173",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers":
        "authorization, content-type, x-requested-with, accept, accept-encoding, idempotency-key",
      "access-control-max-age": "86400",
    },
  });
});

test("every variable is read, without surrounding blanks", () => {
  const policy = policyOf({
    CORS_ALLOWED_ORIGINS: " https://a.example , https://*.b.example ",
    CORS_ALLOWED_HEADERS: "x-a, x-b",
    CORS_EXPOSED_HEADERS: "x-c",
    CORS_ALLOW_CREDENTIALS: "true",
    CORS_MAX_AGE: " disable ",
    CORS_PREFLIGHT_STATUS: "200",
  });
  expect(policy).toMatchObject({
    exactOrigins: new Set(["https://a.example"]),
    allowHeaders: "x-a, x-b",
    exposeHeaders: "x-c",
    credentials: true,
    maxAge: "0",
    preflightStatus: 200,
  });
  expect(policyOf({ CORS_MAX_AGE: "", PATH: "/bin" })).toEqual(policyOf({}));
});

test("none refuses every origin", () => {
  const policy = policyOf({ CORS_ALLOWED_ORIGINS: "none" });
  const decision = decide(policy, { method: "POST", origin: "http://localhost:5173" });
  expect(decision.reason).toBe("origin_not_allowed");
});

test.each([
  [{ CORS_ALLOW_CREDENTIALS: "yes" }, 'CORS_ALLOW_CREDENTIALS: must be true or false, not "yes"'],
  [{ CORS_MAX_AGE: "86401" }, 'CORS_MAX_AGE: must be disable or a whole number from 0 to 86400, not "86401"'],
  [{ CORS_MAX_AGE: "1.5" }, 'CORS_MAX_AGE: must be disable or a whole number from 0 to 86400, not "1.5"'],
  [{ CORS_PREFLIGHT_STATUS: "201" }, 'CORS_PREFLIGHT_STATUS: must be 200 or 204, not "201"'],
  [{ CORS_ORIGINS: "*" }, "CORS_ORIGINS: there is no such variable; did you mean CORS_ALLOWED_ORIGINS?"],
  [{ NODE_ENV: "production" }, /^CORS_ALLOWED_ORIGINS: is required in production/],
  [
    { CORS_ALLOWED_ORIGINS: "https://a.example/" },
    "CORS_ALLOWED_ORIGINS: https://a.example/: drop the trailing slash: https://a.example",
  ],
])("%j is the mistake %s", (environment, mistake) => {
  expect(mistakesOf(environment)).toEqual([typeof mistake === "string" ? mistake : expect.stringMatching(mistake)]);
});

test("all mistakes are reported together, under the names of the variables", () => {
  const lines = mistakesOf({
    CORS_ALLOWED_ORIGINS: "*,https://a.example/",
    CORS_ALLOWED_HEADERS: "cookie",
    CORS_EXPOSED_HEADERS: "set-cookie",
    CORS_ALLOW_CREDENTIALS: "true",
    CORS_PREFLIGHT_STATUS: "500",
  });
  expect(lines.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
    'CORS_PREFLIGHT_STATUS: must be 200 or 204, not "500"',
    "CORS_ALLOWED_ORIGINS: *",
    "CORS_ALLOWED_ORIGINS: https://a.example/",
    "CORS_ALLOWED_HEADERS: cookie",
    "CORS_EXPOSED_HEADERS: set-cookie",
  ]);
});
