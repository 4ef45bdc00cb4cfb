import { getDomain } from "tldts";

/** The registrable domain of a host by the public suffix list, with its private part, as browsers use it. */
export function siteOf(host: string): string {
  const domain = getDomain(host, { allowPrivateDomains: true, validateHostname: false });
  if (domain === null) return host;
  // To a browser, a name with a point at its end is another one.
  return host.endsWith(".") && !domain.endsWith(".") ? `${domain}.` : domain;
}
