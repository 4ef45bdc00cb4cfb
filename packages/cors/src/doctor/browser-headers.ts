/** Request headers that the browser adds itself, or that its developer tools add: no page set them. */

import { isForbiddenRequestHeader, wordSet } from "../names.ts";

const ofBrowser = wordSet(`
  accept accept-encoding accept-language alt-used cache-control device-memory downlink dpr ect if-modified-since if-none-match
  pragma priority purpose range rtt save-data upgrade-insecure-requests user-agent viewport-width width x-client-data
`);

/**
 * Whether a recorded header tells nothing about the page's call. A page may set some of these names too, but then a preflight
 * asked for them.
 *
 * @param name in lower case; the pseudo headers of HTTP/2, such as `:path`, count too.
 */
export function isOfBrowser(name: string): boolean {
  return name.startsWith(":") || isForbiddenRequestHeader(name) || ofBrowser.has(name);
}
