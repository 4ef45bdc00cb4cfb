import { expect, test } from "vitest";
import type { CorsEnvironment } from "../../packages/cors/src/index.ts";
import { compile, decide, printMistake, readCorsConfig } from "../../packages/cors/src/index.ts";

const development: CorsEnvironment = {
  allowedOrigins: ["http://localhost:*", "http://127.0.0.1:*"],
  allowedHeaders: ["authorization", "content-type", "x-requested-with", "accept", "accept-encoding"],
  exposedHeaders: ["x-request-id", "retry-after"],
  allowCredentials: false,
  maxAge: 86_400,
  preflightStatus: 204,
};

test("the development defaults answer what axios makes a browser ask", () => {
  const compilation = compile(readCorsConfig(development));
  if (!compilation.ok) throw new Error("the defaults are refused");
  const decision = decide(compilation.policy, {
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
      "access-control-allow-headers": "authorization, content-type, x-requested-with, accept, accept-encoding",
      "access-control-max-age": "86400",
    },
  });
});

test("none refuses every origin", () => {
  const compilation = compile(readCorsConfig({ ...development, allowedOrigins: ["none"] }));
  if (!compilation.ok) throw new Error("none is refused");
  const decision = decide(compilation.policy, { method: "POST", origin: "http://localhost:5173" });
  expect(decision.reason).toBe("origin_not_allowed");
});

test("mistakes are printed under the name of the variable", () => {
  const compilation = compile(
    readCorsConfig({
      allowedOrigins: ["*", "https://a.example/"],
      allowedHeaders: ["cookie"],
      exposedHeaders: ["set-cookie"],
      allowCredentials: true,
      maxAge: 100_000,
      preflightStatus: 201,
    }),
  );
  const lines = compilation.ok ? [] : compilation.mistakes.map(printMistake);
  expect(lines).toHaveLength(6);
  expect(lines.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
    "CORS_ALLOWED_ORIGINS: *",
    "CORS_ALLOWED_ORIGINS: https://a.example/",
    "CORS_ALLOWED_HEADERS: cookie",
    "CORS_EXPOSED_HEADERS: set-cookie",
    "CORS_MAX_AGE: 100000",
    "CORS_PREFLIGHT_STATUS: 201",
  ]);
  expect(lines[1]).toBe("CORS_ALLOWED_ORIGINS: https://a.example/: drop the trailing slash: https://a.example");
});
