import type { Diagnosis, Failure } from "./diagnosis.ts";
import { explainFailure, type FailureCode, noSuccess } from "./explanations.ts";
import { fillIn } from "./placeholders.ts";

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

function chromeLine(diagnosis: Diagnosis, failure: Failure): string | null {
  const chrome = failure.chrome ?? explainFailure(failure.code).chrome;
  if (chrome === null || chrome === "") return null;
  const text = fillIn(chrome, diagnosis, failure, escapeForChrome(failure.value));
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
  const text = fillIn(explainFailure(finding.code).firefox ?? noSuccess, diagnosis, failure, finding.value);
  if (text.startsWith("Cross-Origin") || failure.code === "mixed_content") return text;
  return `Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ${failure.url}. (Reason: ${text}`;
}

/** Safari checks the status of a preflight first. */
function safariLines(diagnosis: Diagnosis, failure: Failure): string | null {
  const finding = failure.findings.find(({ code }) => code === "preflight_status") ?? failure;
  const { safari } = explainFailure(finding.code);
  if (safari === null) return null;
  const text = fillIn(safari, diagnosis, failure, finding.value);
  return `${text}\nFetch API cannot load ${failure.url} due to access control checks.`;
}
