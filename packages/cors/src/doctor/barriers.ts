/** What stops a request before it is sent, whatever the server would answer: mixed content and blocked ports. */

import { isLocalNetwork, isLoopback } from "../host.ts";
import { type Finding, finding } from "./checks.ts";

/** https://fetch.spec.whatwg.org/#port-blocking */
const blockedPorts: ReadonlySet<string> = new Set(
  "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080".split(
    " ",
  ),
);

/** Those of them that Chromium does not block, as Firefox and Safari do. */
const portsOpenInChromium: ReadonlySet<string> = new Set(["4190", "6679"]);

/** Why the browser does not send a request to this URL for the page; null when it sends it. */
export function findBarrier(pageOrigin: string, url: URL, strict: boolean): Finding | null {
  if (isMixedContent(pageOrigin, url) && !isLocalNetwork(url.hostname)) return finding("mixed_content", url.href);
  if (!blockedPorts.has(url.port) || (!strict && isOpenInChromiumAlone(url))) return null;
  return finding("blocked_port", url.port);
}

/** Whether the standard blocks the port and Chromium does not. */
export function isOpenInChromiumAlone(url: URL): boolean {
  return portsOpenInChromium.has(url.port);
}

/**
 * Whether Chromium alone sends it: it leaves the local network to the user, whom it asks.
 * https://wicg.github.io/local-network-access/#mixed-content
 */
export function isLocalMixedContent(pageOrigin: string, url: URL): boolean {
  return isMixedContent(pageOrigin, url) && isLocalNetwork(url.hostname);
}

/** https://w3c.github.io/webappsec-mixed-content/#should-block-fetch */
function isMixedContent(pageOrigin: string, url: URL): boolean {
  return pageOrigin.startsWith("https://") && url.protocol === "http:" && !isLoopback(url.hostname);
}
