import { readFile } from "node:fs/promises";
import type { CorsConfig, Policy, RefusalEvent } from "../../packages/cors/src/index.ts";
import { compile } from "../../packages/cors/src/index.ts";
import { passesCorsCheck, passesPreflight } from "../cors/browser-model.ts";
import { type CaseApp, startCaseApp } from "../cors/case-app.ts";
import {
  type CaseConfig,
  type CaseRequest,
  type CorsCase,
  type Expectation,
  readCases,
  requestBody,
} from "../cors/case-table.ts";
import { type RawReply, sendRaw } from "../cors/raw-request.ts";

interface Outcome {
  passed: number;
  failed: number;
  skipped: { id: string; reason: string }[];
}

/** The differences, one line each, or why the case cannot be run. */
type Verdict = readonly string[] | { readonly skip: string };

/**
 * Runs the CORS table, test/conformance/cors-cases.json or the file that CORS_CASES names, against the plugin on a real
 * socket, and prints a line for each case that fails.
 */
export async function run(): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: [] };
  const file = process.env["CORS_CASES"] ?? "test/conformance/cors-cases.json";
  for (const entry of readCases(await readFile(file, "utf8"))) {
    const verdict = "problem" in entry ? { skip: entry.problem } : await runCase(entry.case).catch(thrown);
    if ("skip" in verdict) {
      outcome.skipped.push({ id: entry.id, reason: verdict.skip });
    } else if (verdict.length === 0) {
      outcome.passed++;
    } else {
      outcome.failed++;
      console.log(`${entry.id}: ${verdict.join("; ")}`);
    }
  }
  return outcome;
}

function thrown(error: unknown): Verdict {
  return [`stopped by ${String(error)}`];
}

async function runCase(corsCase: CorsCase): Promise<Verdict> {
  const compilation = compile(toConfig(corsCase.config));
  const { expect } = corsCase;
  if (expect.kind === "config_error") {
    const came = compilation.ok ? [] : compilation.mistakes.map((mistake) => mistake.reason as string);
    const wanted = expect.reason ?? came[0] ?? "a refusal";
    return came.includes(wanted) ? [] : [differs("mistake", wanted, came.join() || "none")];
  }
  if (!compilation.ok) return [differs("configuration", "accepted", compilation.mistakes[0]?.message)];
  if (expect.kind === "config_ok") return judgeEffective(compilation.policy, expect);
  if (corsCase.request === undefined) {
    if (expect.kind === "behaviour" && corsCase.group === "diagnostics") return runDiagnostics(compilation.policy);
    return { skip: "describes behaviour in words and sends no request" };
  }
  const behind = await startCaseApp(compilation.policy, corsCase.app);
  if (behind === null) return { skip: `no such app: ${corsCase.app}` };
  try {
    const { request } = corsCase;
    const reply = await sendRaw(behind.port, { ...request, body: requestBody(request) });
    return [
      ...judgeReply(expect, reply),
      ...judgeVary(expect, reply),
      ...judgeRefusal(expect, behind.refusals[0]),
      ...judgeBrowser(expect, request, reply),
    ];
  } finally {
    await behind.app.close();
  }
}

function toConfig(config: CaseConfig): CorsConfig {
  const { allowedOrigins, allowedMethods, allowedHeaders, exposedHeaders, preflightStatus, ...rest } = config;
  return {
    ...rest,
    allowedOrigins: list(allowedOrigins),
    allowedMethods: list(allowedMethods),
    allowedHeaders: list(allowedHeaders),
    exposedHeaders: list(exposedHeaders),
    ...(preflightStatus !== undefined && { preflightStatus }),
  };
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

function judgeEffective(policy: Policy, expect: Expectation): string[] {
  const { effective = {} } = expect;
  const came: Record<string, unknown> = {
    allowedOrigins: policy.anyOrigin ? ["*"] : policy.origins.map((origin) => origin.text),
    allowedMethods: policy.anyMethod ? ["*"] : [...policy.methods],
    allowedHeaders: [...(policy.anyHeader ? ["*"] : []), ...policy.headers],
    exposedHeaders: policy.exposedHeaders,
    credentials: policy.credentials,
    privateNetwork: policy.privateNetwork,
    preflightStatus: policy.preflightStatus,
    maxAge: policy.maxAge === "" ? null : Number(policy.maxAge),
  };
  const canonical = (value: unknown): string =>
    JSON.stringify(Array.isArray(value) ? value.map((name) => String(name).toLowerCase()).sort() : value);
  return Object.entries(effective).flatMap(([option, value]) => {
    const wanted = canonical(typeof value === "string" && value !== "disable" ? [value] : value);
    return wanted === canonical(came[option]) ? [] : [differs(`effective ${option}`, wanted, canonical(came[option]))];
  });
}

function judgeReply(expect: Expectation, reply: RawReply): string[] {
  const failures: string[] = [];
  const line = (name: string): string | undefined => reply.headers.get(name.toLowerCase())?.join(" | ");
  const expected = (what: string, wanted: unknown, came: unknown, ok: boolean): void => {
    if (!ok) failures.push(differs(what, wanted, came));
  };
  const { status, status_any, body_empty } = expect;
  if (status !== undefined) expected("status", status, reply.status, reply.status === status);
  if (status_any !== undefined) expected("status", status_any, reply.status, status_any.includes(reply.status));
  if (body_empty === true) expected("body", "empty", reply.body, reply.body === "");
  for (const [name, value] of Object.entries(expect.headers ?? {})) {
    expected(name, value, line(name), line(name) === value);
  }
  for (const name of expect.absent ?? []) expected(name, "absent", line(name), line(name) === undefined);
  for (const [name, values] of Object.entries(expect.absent_value ?? {})) {
    expected(name, `none of ${values.join(" / ")}`, line(name), !values.includes(line(name) ?? ""));
  }
  const lists = [
    ["access-control-allow-headers", expect.allow_headers_must_list],
    ["access-control-allow-methods", expect.allow_methods_must_list],
    ["access-control-expose-headers", expect.expose_list],
  ] as const;
  for (const [header, names = []] of lists) {
    const came = namesIn(reply, header);
    for (const name of names) expected(header, name, came.join(), came.includes(name.toLowerCase()));
  }
  return failures;
}

function judgeVary(expect: Expectation, reply: RawReply): string[] {
  const names = namesIn(reply, "vary");
  const star = names.includes("*");
  const failures = (expect.vary_includes ?? [])
    .filter((name) => !star && !names.includes(name.toLowerCase()))
    .map((name) => differs("vary", name, names.join()));
  if (expect.vary_star === true && !star) failures.push(differs("vary", "*", names.join()));
  if (expect.vary_no_duplicates === true && new Set(names).size !== names.length) {
    failures.push(differs("vary", "no duplicates", names.join()));
  }
  return failures;
}

function judgeRefusal(expect: Expectation, refusal: RefusalEvent | undefined): string[] {
  const failures: string[] = [];
  const { reason, names, hint } = expect;
  if (reason !== undefined && refusal?.reason !== reason) failures.push(differs("reason", reason, refusal?.reason));
  if (reason === undefined && expect.browser === "allows" && refusal !== undefined) {
    failures.push(differs("reason", "none", refusal.reason));
  }
  if (names !== undefined && names.join() !== refusal?.refusedHeaders.join()) {
    failures.push(differs("names", names.join(), refusal?.refusedHeaders.join()));
  }
  const said = `${refusal?.hint ?? ""} ${refusal?.nearest?.difference ?? ""}`;
  if (hint !== undefined && !said.includes(hint)) failures.push(differs("hint", hint, said));
  return failures;
}

function judgeBrowser(expect: Expectation, request: CaseRequest, reply: RawReply): string[] {
  const { browser = "any" } = expect;
  if (browser === "any" || browser === "same-origin") return [];
  const header = (name: string): readonly string[] =>
    Object.entries(request.headers)
      .filter(([key]) => key.toLowerCase() === name)
      .flatMap(([, value]) => value);
  const [verdict, who] = browser.split("_");
  const origins = header("origin");
  const origin = (who === undefined ? undefined : origins.find((text) => text.includes(who))) ?? origins[0] ?? "";
  const page = { origin, credentials: expect.client?.credentials === "include" };
  const [method] = header("access-control-request-method");
  const asked = header("access-control-request-headers").join(",").split(",");
  const headers = asked.map((name) => name.trim()).filter((name) => name !== "");
  const allows =
    request.method === "OPTIONS" && method !== undefined
      ? passesPreflight({ ...page, method, headers }, reply)
      : passesCorsCheck(page, reply);
  const came = allows ? "allows" : "blocks";
  return came === verdict ? [] : [differs("browser", browser, came)];
}

/** Each refused preflight logs one line with the reason, the request, and the nearest origin. */
async function runDiagnostics(policy: Policy): Promise<Verdict> {
  const allowed = policy.origins[0]?.text;
  if (allowed === undefined || allowed.includes("*")) return { skip: "needs an exact origin in the configuration" };
  const refusals = [
    { reason: "origin_not_allowed", origin: `${allowed}:65000`, method: "POST", header: "content-type", near: allowed },
    { reason: "method_not_allowed", origin: allowed, method: "UNHEARD", header: "content-type", near: null },
    { reason: "header_not_allowed", origin: allowed, method: "POST", header: "x-unheard-of", near: null },
  ];
  const behind = await startCaseApp(policy);
  if (behind === null) return { skip: "the plain app did not start" };
  try {
    const failures: string[] = [];
    for (const refusal of refusals) failures.push(...(await judgeLogLine(behind, refusal)));
    return failures;
  } finally {
    await behind.app.close();
  }
}

async function judgeLogLine(
  behind: CaseApp,
  refusal: { reason: string; origin: string; method: string; header: string; near: string | null },
): Promise<string[]> {
  behind.logLines.length = 0;
  const { origin, method, header } = refusal;
  await sendRaw(behind.port, {
    method: "OPTIONS",
    path: "/twirp/lab.v1.Conformance/Echo",
    headers: { Origin: origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": header },
  });
  const lines = behind.logLines.filter((line) => "cors" in line);
  if (lines.length !== 1) return [differs(`log lines for ${refusal.reason}`, 1, lines.length)];
  const text = JSON.stringify(lines);
  const near = refusal.near === null ? [] : [refusal.near, "differs by port"];
  return [refusal.reason, origin, method, header, ...near]
    .filter((part) => !text.includes(JSON.stringify(part).slice(1, -1)))
    .map((part) => differs("log line", part, text));
}

function namesIn(reply: RawReply, header: string): string[] {
  const lines = reply.headers.get(header) ?? [];
  return lines.flatMap((line) => line.split(",")).map((name) => name.trim().toLowerCase());
}

function differs(what: string, expected: unknown, came: unknown): string {
  return `${what}: expected ${String(expected)}, came ${String(came)}`;
}
