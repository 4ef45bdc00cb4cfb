import { isServerHeader, safelistedMethods } from "../names.ts";
import { findUnsafeHeaders, hasCorsHeaders } from "./checks.ts";
import { type Diagnosis, type Failure, lastHeaders } from "./diagnosis.ts";
import type { FailureCode } from "./explanations.ts";

/**
 * Fills in the texts of explanations.ts and fixes/.
 *
 * {url} {origin} {sent_origin} {method} {status}; {value} is the header value, name or list element at fault; {headers} and
 * {quoted_headers} are the headers of the page that need permission, {refused} those of them that are refused, all without
 * {response_headers}, which no page should send. {methods} and {quoted_methods} are the page's method with those that need no
 * permission. {origin} is the origin of the page, {sent_origin} the value of the Origin header, which is null after some
 * redirects. {target_space} is the page's targetAddressSpace.
 *
 * {if credentials}...{end} is for pages that send cookies, {if method} and {if headers} for those that need permission,
 * {if method_refused} and {if headers_refused} for a server that refuses it, and {if silent} for one without CORS headers.
 */
export function fillIn(template: string, diagnosis: Diagnosis, failure: Failure, value: string): string {
  const { page } = diagnosis;
  const refused = failure.findings.flatMap((finding) => finding.refused);
  const names = findUnsafeHeaders(page.headers, false).map(({ name }) => name);
  const wanted = names.filter((name) => !isServerHeader(name));
  const methods = [...new Set([...safelistedMethods, page.method])];
  const silent = isSilent(diagnosis);
  const found = (...codes: FailureCode[]) => !silent && failure.findings.some(({ code }) => codes.includes(code));
  const conditions: Readonly<Record<string, boolean>> = {
    credentials: page.credentials === "include",
    method: !safelistedMethods.has(page.method),
    method_refused: found("method_not_allowed", "invalid_method"),
    headers: wanted.length > 0,
    headers_refused:
      wanted.length > 0 && found("header_not_allowed", "invalid_header", "wildcard_without_authorization"),
    silent,
  };
  const facts: Readonly<Record<string, string>> = {
    url: failure.url,
    origin: page.origin,
    sent_origin: failure.sentOrigin,
    method: page.method,
    methods: methods.join(", "),
    quoted_methods: quote(methods),
    status: String(failure.status ?? ""),
    value,
    target_space: page.targetAddressSpace ?? "",
    headers: wanted.join(", "),
    quoted_headers: quote(wanted),
    refused: refused.filter((name) => !isServerHeader(name)).join(", "),
    response_headers: refused.filter(isServerHeader).join(", "),
  };
  return chooseParts(template, conditions).replace(
    /\{(\w+)\}/g,
    (placeholder, name: string) => facts[name] ?? placeholder,
  );
}

/** Keeps the conditional parts whose condition holds. */
function chooseParts(template: string, conditions: Readonly<Record<string, boolean>>): string {
  const [start = "", ...parts] = template.split("{if ");
  const chosen = parts.map((part) => {
    const [conditional = "", rest = ""] = part.split("{end}");
    const textStart = conditional.indexOf("}") + 1;
    return (conditions[conditional.slice(0, textStart - 1)] ? conditional.slice(textStart) : "") + rest;
  });
  return [start, ...chosen].join("");
}

function quote(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** Whether the last response has no CORS header at all: the server knows nothing of CORS, or not of this origin. */
export function isSilent(diagnosis: Diagnosis): boolean {
  return diagnosis.failure?.code === "allow_origin_missing" && !hasCorsHeaders(lastHeaders(diagnosis));
}
