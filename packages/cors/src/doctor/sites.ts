import { getDomain } from "tldts";

/** The registrable domain of a host by the public suffix list, with its private part, as browsers use it. */
export function siteOf(host: string): string {
  return getDomain(host, { allowPrivateDomains: true, validateHostname: false }) ?? host;
}
