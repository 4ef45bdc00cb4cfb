import { type Finding, finding, type WireResponse } from "./checks.ts";
import type { Failure, Step, StepName } from "./diagnosis.ts";
import type { PreflightCache } from "./preflight-cache.ts";
import type { WireOutcome, WireRequest } from "./wire.ts";

/** What a fetch has come upon so far. */
export interface FetchRecord {
  readonly steps: Step[];
  failure: Failure | null;
  preflightCache: PreflightCache | null;
  /** Whether the request of this hop had a preflight, which passed. */
  preflighted: boolean;
}

/** Yields each request and is given what became of it. */
export type Conversation<Result> = Generator<WireRequest, Result, WireOutcome>;

const standard = "https://fetch.spec.whatwg.org/";
const rules: Readonly<{ [Name in StepName]: string }> = {
  origin_compared: `${standard}#main-fetch`,
  mixed_content: "https://w3c.github.io/webappsec-mixed-content/#should-block-fetch",
  blocked_port: `${standard}#port-blocking`,
  preflight_decided: `${standard}#http-fetch`,
  preflight_sent: `${standard}#cors-preflight-fetch`,
  preflight_redirect: `${standard}#cors-preflight-fetch`,
  allow_origin: `${standard}#concept-cors-check`,
  allow_credentials: `${standard}#concept-cors-check`,
  preflight_status: `${standard}#cors-preflight-fetch`,
  allow_methods: `${standard}#cors-preflight-fetch`,
  allow_headers: `${standard}#cors-preflight-fetch`,
  max_age: `${standard}#cors-preflight-cache`,
  vary: `${standard}#cors-protocol-and-http-caches`,
  request_sent: `${standard}#http-network-or-cache-fetch`,
  redirect: `${standard}#http-redirect-fetch`,
  exposed_headers: `${standard}#concept-filtered-response-cors`,
};

/** Notes a step without an exchange. */
export function note(record: FetchRecord, name: StepName, result: Step["result"], text: string): void {
  record.steps.push({ name, result, text, rule: rules[name], exchange: null });
}

/** Sends a request and notes what came; null when nothing did, which is then the failure. */
export function* send(record: FetchRecord, request: WireRequest): Conversation<WireResponse | null> {
  const outcome = yield request;
  const name = request.kind === "preflight" ? "preflight_sent" : "request_sent";
  const asked = `${request.method} ${request.url.href}`;
  const rule = rules[name];
  if ("response" in outcome) {
    const { response } = outcome;
    const text = `${asked} is answered with ${response.status}.`;
    record.steps.push({ name, result: "passed", text, rule, exchange: { request, response } });
    return response;
  }
  const { code, detail, chrome = null } = outcome.noResponse;
  const text = `${asked} gets no answer: ${detail}.`;
  record.steps.push({ name, result: "failed", text, rule, exchange: { request, response: null } });
  fail(record, request, null, [{ ...finding(code, detail), chrome }]);
  return null;
}

/**
 * Notes what a check saw, the rule that it must obey and what it found, which it also returns as a list.
 *
 * @param fault the result of a step that found something; a `note` is only the consequence of another step's failure.
 */
export function judge(
  record: FetchRecord,
  name: StepName,
  found: Finding | null,
  seen: string,
  rule: string,
  fault: "failed" | "note" = "failed",
): Finding[] {
  const hint = found?.hint == null ? "" : ` (${found.hint})`;
  note(record, name, found === null ? "passed" : fault, `${seen}; ${rule}${hint}.`);
  return found === null ? [] : [found];
}

/** Makes the first of the findings the failure. Does nothing when there is none. */
export function fail(
  record: FetchRecord,
  request: WireRequest,
  response: WireResponse | null,
  findings: readonly Finding[],
): void {
  const [first] = findings;
  if (first === undefined) return;
  record.failure = {
    ...first,
    stage: request.kind,
    url: request.url.href,
    preflighted: record.preflighted,
    sentOrigin: request.origin ?? request.pageOrigin,
    status: response?.status ?? null,
    findings,
  };
}

/** `Vary is missing`, `Vary is empty` or `Vary is Origin`. */
export function show(header: string, value: string | null): string {
  if (value === null) return `${header} is missing`;
  return `${header} is ${value === "" ? "empty" : value}`;
}
