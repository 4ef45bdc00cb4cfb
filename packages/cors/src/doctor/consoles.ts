import { isServerHeader } from "../names.ts";
import { isLoopback } from "../origins.ts";
import type { Finding } from "./checks.ts";
import { findUnsafeHeaders, type Header, hasCorsHeaders } from "./checks.ts";
import type { Diagnosis, Failure } from "./diagnosis.ts";
import {
  explainFailure,
  type FailureCode,
  type Fixes,
  fixesOfCause,
  fixFor,
  insecureCredentialsFix,
  noSuccess,
  responseHeaderFixes,
  type Server,
} from "./explanations.ts";

/** What each browser prints in its console; line feeds separate lines, null is nothing. */
export interface ConsoleLines {
  readonly chrome: string | null;
  readonly firefox: string;
  readonly safari: string | null;
}

/** The failures for which Chrome says that the response to the preflight does not pass the access control check. */
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
export type FixLines = { readonly [Name in Server]: readonly string[] };

/** The fixes for everything that is wrong with the response; null when nothing failed. */
export function fixesFor(diagnosis: Diagnosis): FixLines | null {
  const { failure } = diagnosis;
  if (failure === null) return null;
  const linesFor = (server: Server, findings: readonly Finding[]): string[] => {
    const lines = findings.flatMap((finding) =>
      fixesOf(diagnosis, failure, finding).map((fixes) =>
        fill(fixFor(fixes, server), diagnosis, failure, finding.value),
      ),
    );
    return [...new Set(lines)];
  };
  const { findings } = failure;
  // Without any CORS header the origin is the one cause, except in nginx, which has no CORS support to switch on.
  const isSilent = failure.code === "allow_origin_missing" && !hasCorsHeaders(lastHeaders(diagnosis));
  // A redirect does not show what the API itself would allow.
  const causes = isSilent || failure.code === "preflight_redirect" ? findings.slice(0, 1) : findings;
  return {
    financeService: linesFor("financeService", failure.code === "allow_origin_missing" ? findings.slice(0, 1) : causes),
    expressCors: linesFor("expressCors", causes),
    rsCors: linesFor("rsCors", causes),
    nginx: linesFor("nginx", isSilent ? findings.filter(({ code }) => accessChecks.has(code)) : causes),
  };
}

function fixesOf(diagnosis: Diagnosis, failure: Failure, finding: Finding): Fixes[] {
  const { cause } = finding;
  if (cause === null) return fixesOfCode(diagnosis, failure, finding);
  // Without a preflight, it is unknown whether the origin is allowed.
  const isOneOfTwo = !failure.preflighted && (cause === "error" || cause === "redirect");
  return isOneOfTwo ? [fixesOfCause[cause], ...fixesOfCode(diagnosis, failure, finding)] : [fixesOfCause[cause]];
}

function fixesOfCode(diagnosis: Diagnosis, failure: Failure, { code, refused }: Finding): Fixes[] {
  const forNull = fixForNull(diagnosis, failure, code);
  if (forNull !== null) return [{ other: forNull }];
  const { fixes } = explainFailure(code);
  if (credentialsCodes.has(code) && isInsecure(diagnosis.page.origin)) {
    return [{ ...fixes, financeService: insecureCredentialsFix }];
  }
  if (code !== "header_not_allowed" || !refused.some(isServerHeader)) return [fixes];
  return refused.every(isServerHeader) ? [responseHeaderFixes] : [responseHeaderFixes, fixes];
}

/** By the same rule as in the policy. */
function isInsecure(origin: string): boolean {
  return origin.startsWith("http:") && !isLoopback(new URL(origin).hostname);
}

function lastHeaders({ steps }: Diagnosis): readonly Header[] {
  return steps.findLast(({ exchange }) => exchange !== null)?.exchange?.response?.headers ?? [];
}

const credentialsCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "credentials_not_allowed",
  "wildcard_origin_with_credentials",
]);

/** The failures whose fixes name the origin. */
const originCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "allow_origin_missing",
  "allow_origin_list",
  "invalid_origin",
  "origin_not_allowed",
  ...credentialsCodes,
]);

/** Allowing the origin null would let everyone in, and allowing the page's origin would not help. */
function fixForNull({ page }: Diagnosis, { sentOrigin }: Failure, code: FailureCode): string | null {
  if (sentOrigin !== "null" || !originCodes.has(code)) return null;
  // With credentials, * is not enough.
  const orPublic = page.credentials === "include" ? "" : "; only public data may be allowed to any origin (*)";
  return page.origin === "null"
    ? `serve the page from a real origin, such as http://localhost:5173${orPublic}`
    : `call {url} directly: after a redirect between origins the Origin header is null${orPublic}`;
}

function chromeLine(diagnosis: Diagnosis, failure: Failure): string | null {
  const chrome = failure.chrome ?? explainFailure(failure.code).chrome;
  if (chrome === null || chrome === "") return null;
  const text = fill(chrome, diagnosis, failure, escapeForChrome(failure.value));
  if (text.startsWith("net::")) return `${diagnosis.page.method} ${failure.url} ${text}`;
  if (failure.code === "mixed_content" || text.startsWith("Not allowed")) return text;
  const first = diagnosis.page.url.href;
  // Only for an unknown scheme, Chrome names the URL that it did not request.
  const url = failure.code === "redirect_scheme" ? failure.value : failure.url;
  const redirected = first === url ? "" : `(redirected from '${first}') `;
  const prefix =
    failure.stage === "preflight" && accessChecks.has(failure.code)
      ? "Response to preflight request doesn't pass access control check: "
      : "";
  const { origin } = diagnosis.page;
  return `Access to fetch at '${url}' ${redirected}from origin '${origin}' has been blocked by CORS policy: ${prefix}${text}`;
}

/** Chrome prints characters other than printable ASCII as numbers. */
function escapeForChrome(value: string): string {
  return value.replace(/[^ -~]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** Firefox checks Allow-Origin before it notices that a preflight is redirected. */
function firefoxLine(diagnosis: Diagnosis, failure: Failure): string {
  const finding = failure.code === "preflight_redirect" ? (failure.findings[1] ?? failure) : failure;
  const text = fill(explainFailure(finding.code).firefox ?? noSuccess, diagnosis, failure, finding.value);
  if (text.startsWith("Cross-Origin") || failure.code === "mixed_content") return text;
  return `Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ${failure.url}. (Reason: ${text}`;
}

/** Safari checks the status of a preflight first. */
function safariLines(diagnosis: Diagnosis, failure: Failure): string | null {
  const finding = failure.findings.find(({ code }) => code === "preflight_status") ?? failure;
  const { safari } = explainFailure(finding.code);
  if (safari === null) return null;
  const text = fill(safari, diagnosis, failure, finding.value);
  return `${text}\nFetch API cannot load ${failure.url} due to access control checks.`;
}

function fill(template: string, { page }: Diagnosis, failure: Failure, value: string): string {
  const refused = failure.findings.flatMap((finding) => finding.refused);
  const names = findUnsafeHeaders(page.headers, false).map(({ name }) => name);
  const wanted = names.filter((name) => !isServerHeader(name));
  const facts: Readonly<Record<string, string>> = {
    url: failure.url,
    origin: page.origin,
    sent_origin: failure.sentOrigin,
    method: page.method,
    status: String(failure.status ?? ""),
    value,
    headers: wanted.join(", "),
    refused: refused.filter((name) => !isServerHeader(name)).join(", "),
    response_headers: refused.filter(isServerHeader).join(", "),
    quoted_headers: wanted.map((name) => `"${name}"`).join(", "),
  };
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) => facts[name] ?? placeholder);
}
