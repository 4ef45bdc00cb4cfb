/** Which fixes apply to what went wrong. */

import { isServerHeader, trimValue } from "../names.ts";
import { isLoopback } from "../origins.ts";
import type { Finding } from "./checks.ts";
import { type Diagnosis, type Failure, lastHeaders } from "./diagnosis.ts";
import { explainFailure, type FailureCode } from "./explanations.ts";
import { type FixKind, type FrameworkId, frameworkIds, type GeneralFix, recognise, textOf } from "./fixes/index.ts";
import type { PageRequest } from "./page-request.ts";
import { fillIn, isSilent } from "./placeholders.ts";

/** What to change for each framework, one text for each thing that is wrong. */
export type FixLines = { readonly [Id in FrameworkId]: readonly string[] };

/** The fixes for everything that is wrong with the response; null when nothing failed. */
export function fixesFor(diagnosis: Diagnosis): FixLines | null {
  const { failure } = diagnosis;
  if (failure === null) return null;
  const linesFor = (id: FrameworkId): string[] => {
    const lines = causesOf(diagnosis, failure, id).flatMap((finding) =>
      fixesOf(id, diagnosis, failure, finding).map((fix) => {
        const isCode = typeof fix === "string" && id !== "financeService";
        const text = isCode && !isSafeInCode(diagnosis.page) ? unsafeNames : textOf(fix, id);
        return fillIn(text, diagnosis, failure, finding.value);
      }),
    );
    const texts = [...new Set(lines)];
    return texts.filter((text) => !texts.some((other) => other !== text && other.includes(text)));
  };
  // Object.fromEntries forgets the names.
  return Object.fromEntries(frameworkIds.map((id) => [id, linesFor(id)])) as unknown as FixLines;
}

/**
 * Whether origin, method and header names mean nothing in any of the languages: a token may have quotes, $ and |, and a
 * recording may come from somebody else.
 */
function isSafeInCode({ origin, method, headers }: PageRequest): boolean {
  return (
    /^[\w.:/[\]-]+$/.test(origin) && [method, ...headers.map(([name]) => name)].every((name) => /^[\w-]+$/.test(name))
  );
}

const unsafeNames =
  "no code is suggested: the origin, the method or a header of the call has characters that mean something in code";

/** The frameworks that the last reply names; if it names none, those that are asked for most. */
export function frameworksOf(diagnosis: Diagnosis): {
  readonly ids: readonly FrameworkId[];
  readonly recognised: boolean;
} {
  const ids = recognise(lastHeaders(diagnosis));
  return ids.length > 0 ? { ids, recognised: true } : { ids: usualFrameworks, recognised: false };
}

const usualFrameworks: readonly FrameworkId[] = ["financeService", "expressCors", "rsCors", "nginx"];

/** The findings that need a fix: the rest goes away with them, or is unknown until then. */
function causesOf(diagnosis: Diagnosis, { code, findings }: Failure, id: FrameworkId): readonly Finding[] {
  // Without any CORS header the origin is the one cause. Our service sends none at all to an unknown origin.
  const isAboutOrigin = isSilent(diagnosis) || (code === "allow_origin_missing" && id === "financeService");
  // A redirect does not show what the API itself would allow.
  return isAboutOrigin || code === "preflight_redirect" ? findings.slice(0, 1) : findings;
}

function fixesOf(id: FrameworkId, diagnosis: Diagnosis, failure: Failure, finding: Finding): (FixKind | GeneralFix)[] {
  const { cause } = finding;
  if (cause === null) return fixesOfCode(id, diagnosis, failure, finding);
  // Without a preflight, it is unknown whether the origin is allowed.
  const isOneOfTwo = !failure.preflighted && (cause === "error" || cause === "redirect");
  return isOneOfTwo ? [cause, ...fixesOfCode(id, diagnosis, failure, finding)] : [cause];
}

function fixesOfCode(
  id: FrameworkId,
  diagnosis: Diagnosis,
  failure: Failure,
  { code, refused, value }: Finding,
): (FixKind | GeneralFix)[] {
  const forNull = fixForNull(diagnosis, failure, code);
  if (forNull !== null) return [{ other: forNull }];
  if (id === "financeService" && credentialsCodes.has(code) && isInsecure(diagnosis.page.origin)) {
    return [{ other: insecureCredentials }];
  }
  if (code === "allow_origin_list" && isOfTwoLayers(value)) return ["one_layer"];
  const { fix } = explainFailure(code);
  if (code !== "header_not_allowed" || !refused.some(isServerHeader)) return [fix];
  return refused.every(isServerHeader) ? [{ other: responseHeader }] : [{ other: responseHeader }, fix];
}

/** Nobody writes an origin twice or beside *: two programs wrote it, and one of them joined the lines. */
function isOfTwoLayers(value: string): boolean {
  const origins = value.split(",").map(trimValue);
  return origins.includes("*") || new Set(origins).size < origins.length;
}

/** For a page on plain http, whose cookies anyone on the network path could use: our policy refuses such an origin. */
const insecureCredentials =
  "serve the page over https first: this server accepts no plain http origin together with credentials; or remove withCredentials";

const responseHeader = "remove {response_headers} from the call: it belongs in responses, not in requests";

/** By the same rule as in the policy. */
function isInsecure(origin: string): boolean {
  return origin.startsWith("http:") && !isLoopback(new URL(origin).hostname);
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
