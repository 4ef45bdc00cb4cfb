import type { Finding } from "./cors-check.ts";
import type { Cures } from "./cures.ts";
import type { Diagnosis, Failure } from "./diagnosis.ts";
import { explainFailure, type FailureCode } from "./explanations.ts";
import { findUnsafeHeaders } from "./safelist.ts";

/** What each browser writes into its console; several lines are parted by a line feed, null is nothing at all. */
export interface ConsoleLines {
  readonly chrome: string | null;
  readonly firefox: string;
  readonly safari: string | null;
}

/** The failures that Chrome words as an answer to the preflight. */
const accessChecks: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "preflight_redirect",
  "allow_origin_missing",
  "allow_origin_repeated",
  "allow_origin_list",
  "wildcard_origin_with_credentials",
  "invalid_origin",
  "origin_not_allowed",
  "credentials_not_allowed",
  "preflight_status",
]);

/** The consoles of the three browsers; null when nothing failed. */
export function consoleLines(diagnosis: Diagnosis): ConsoleLines | null {
  const { failure } = diagnosis;
  if (failure === null) return null;
  return {
    chrome: chromeLine(diagnosis, failure),
    firefox: firefoxLine(diagnosis, failure),
    safari: safariLines(diagnosis, failure),
  };
}

/** What to change for each server, one line for each thing that is wrong. */
export type CureLines = { readonly [Server in keyof Cures]: readonly string[] };

/** The cures of everything that is wrong with the response; null when nothing failed. */
export function curesFor(diagnosis: Diagnosis): CureLines | null {
  const { failure } = diagnosis;
  if (failure === null) return null;
  const linesFor = (server: keyof Cures, findings: readonly Finding[]): string[] => {
    const lines = findings.map(({ code, value }) => {
      const cure = cureForNull(diagnosis, failure, code) ?? explainFailure(code).cures[server];
      return fill(cure, diagnosis, failure, value);
    });
    return [...new Set(lines)];
  };
  const { findings } = failure;
  // This server tells a stranger nothing at all, so that the rest follows from the origin.
  const ours = failure.code === "allow_origin_missing" ? findings.slice(0, 1) : findings;
  return {
    financeService: linesFor("financeService", ours),
    expressCors: linesFor("expressCors", findings),
    rsCors: linesFor("rsCors", findings),
    nginx: linesFor("nginx", findings),
  };
}

/** Listing the origin null would let everyone in, and listing the page's would not help. */
function cureForNull({ page }: Diagnosis, { sentOrigin }: Failure, code: FailureCode): string | null {
  if (sentOrigin !== "null" || (code !== "allow_origin_missing" && code !== "origin_not_allowed")) return null;
  return page.origin === "null"
    ? "serve the page from a real origin, as http://localhost:5173; only public data may be allowed to any origin (*)"
    : "call {url} at once: after a redirect between origins the Origin header is null; only public data may allow any (*)";
}

function chromeLine(diagnosis: Diagnosis, failure: Failure): string | null {
  const { chrome } = explainFailure(failure.code);
  if (chrome === null) return null;
  const text = fill(chrome, diagnosis, failure, failure.value);
  if (text.startsWith("net::")) return `${diagnosis.page.method} ${failure.url} ${text}`;
  const first = diagnosis.page.url.href;
  // Only of a scheme that it does not know does Chrome name the URL that it did not ask.
  const url = failure.code === "redirect_scheme" ? failure.value : failure.url;
  const redirected = first === url ? "" : `(redirected from '${first}') `;
  const prefix =
    failure.stage === "preflight" && accessChecks.has(failure.code)
      ? "Response to preflight request doesn't pass access control check: "
      : "";
  const { origin } = diagnosis.page;
  return `Access to fetch at '${url}' ${redirected}from origin '${origin}' has been blocked by CORS policy: ${prefix}${text}`;
}

/** Firefox looks at Allow-Origin before it finds that a preflight is redirected. */
function firefoxLine(diagnosis: Diagnosis, failure: Failure): string {
  const finding = failure.code === "preflight_redirect" ? (failure.findings[1] ?? failure) : failure;
  const text = fill(explainFailure(finding.code).firefox, diagnosis, failure, finding.value);
  if (text.startsWith("Cross-Origin")) return text;
  return `Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ${failure.url}. (Reason: ${text}`;
}

/** Safari looks at the status of a preflight before anything else. */
function safariLines(diagnosis: Diagnosis, failure: Failure): string | null {
  const finding = failure.findings.find(({ code }) => code === "preflight_status") ?? failure;
  const { safari } = explainFailure(finding.code);
  if (safari === null) return null;
  const text = fill(safari, diagnosis, failure, finding.value);
  return `${text}\nFetch API cannot load ${failure.url} due to access control checks.`;
}

function fill(template: string, { page }: Diagnosis, failure: Failure, value: string): string {
  const names = findUnsafeHeaders(page.headers).map(({ name }) => name);
  const facts: Readonly<Record<string, string>> = {
    url: failure.url,
    origin: page.origin,
    sent_origin: failure.sentOrigin,
    method: page.method,
    status: String(failure.status ?? ""),
    value,
    headers: names.join(", "),
    refused: failure.findings.flatMap(({ refused }) => refused).join(", "),
    quoted_headers: names.map((name) => `"${name}"`).join(", "),
  };
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) => facts[name] ?? placeholder);
}
