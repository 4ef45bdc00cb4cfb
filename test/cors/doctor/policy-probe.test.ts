import { expect, test } from "vitest";
import {
  createPolicyProbe,
  diagnose,
  explainRefusals,
  type PageRequest,
  readArguments,
} from "../../../packages/cors/src/doctor/index.ts";
import { type CorsConfig, compile, type Policy } from "../../../packages/cors/src/policy.ts";

function policyOf(config: CorsConfig): Policy {
  const compilation = compile(config);
  if (!compilation.ok) throw new Error(compilation.mistakes.map(({ message }) => message).join("\n"));
  return compilation.policy;
}

function pageOf(...args: string[]): PageRequest {
  const read = readArguments(["http://localhost:9707/rpc", "--origin", "http://localhost:5173", ...args]);
  if (read.kind !== "check" || read.url === undefined) throw new Error("no check");
  return { ...read.page, url: read.url };
}

const config: CorsConfig = {
  allowedOrigins: ["http://localhost:5173", "https://*.example.com"],
  allowedMethods: ["POST"],
  allowedHeaders: ["authorization", "content-type"],
  exposedHeaders: ["x-request-id"],
};

test.each<[args: string[], ends: string]>([
  [[], "allowed"],
  [["--origin", "https://app.example.com"], "allowed"],
  [["--origin", "http://localhost:5174"], "allow_origin_missing"],
  [["--origin", "http://localhost:9707"], "allowed"],
  [["--method", "PUT"], "method_not_allowed"],
  [["--header", "x-custom"], "header_not_allowed"],
  [["--credentials"], "credentials_not_allowed"],
])("a policy in memory is judged like a server: %j", async (args, ends) => {
  const diagnosis = await diagnose(pageOf(...args), createPolicyProbe(policyOf(config)));
  expect(diagnosis.failure?.code ?? "allowed").toBe(ends);
});

test("the reason is the policy's own, with the nearest allowed origin", async () => {
  const policy = policyOf(config);
  const diagnosis = await diagnose(pageOf("--origin", "http://localhost:5174"), createPolicyProbe(policy));
  expect(explainRefusals(policy, diagnosis)).toEqual([
    "origin_not_allowed: The origin of the page is not in the list. " +
      "The nearest allowed origin, http://localhost:5173, differs by port.",
  ]);
});

test("refused headers are named, and an allowed call has no explanation", async () => {
  const policy = policyOf(config);
  const refused = await diagnose(pageOf("-H", "x-b", "-H", "authorization", "-H", "x-a"), createPolicyProbe(policy));
  expect(explainRefusals(policy, refused)).toEqual([expect.stringContaining("Refused: x-a, x-b.")]);
  const allowed = await diagnose(pageOf(), createPolicyProbe(policy));
  expect(explainRefusals(policy, allowed)).toEqual([]);
});
