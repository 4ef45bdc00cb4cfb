import { parse } from "tldts";

/**
 * Whether anyone may register names directly below `host`, by the public suffix list (https://publicsuffix.org): com,
 * co.uk and github.io alike. A name of one label that the list does not know counts too, but for localhost.
 *
 * @param host a valid host name in lower case, no IP address.
 */
export function isPublicSuffix(host: string): boolean {
  const { publicSuffix, isIcann, isPrivate } = parse(host, { allowPrivateDomains: true });
  if (publicSuffix !== host) return false;
  return isIcann === true || isPrivate === true || host !== "localhost";
}
