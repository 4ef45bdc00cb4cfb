import { isServerHeader } from "../names.ts";
import { findUnsafeHeaders } from "./checks.ts";
import type { Diagnosis, Failure } from "./diagnosis.ts";

/**
 * Fills in the placeholders of the texts in explanations.ts and fixes/.
 *
 * {url} {origin} {sent_origin} {method} {status}; {value} is the header value, name or list element at fault; {headers} and
 * {quoted_headers} are the headers of the page that need permission, {refused} those of them that are refused, all without
 * {response_headers}, which no page should send. {origin} is the origin of the page, {sent_origin} the value of the Origin
 * header, which is null after some redirects.
 */
export function fillIn(template: string, { page }: Diagnosis, failure: Failure, value: string): string {
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
