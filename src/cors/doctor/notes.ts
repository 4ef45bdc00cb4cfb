import { isLoopback } from "../origin-pattern.ts";
import type { PageRequest } from "./page-request.ts";

/** https://fetch.spec.whatwg.org/#port-blocking: the ones above 1023, where an API may be put by chance, and a few below. */
const blockedPorts: ReadonlySet<string> = new Set(
  "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080".split(
    " ",
  ),
);

/** What stands in the way beside CORS, which this check does not judge. */
export function findNotes({ url, origin }: PageRequest): string[] {
  const notes: string[] = [];
  if (origin.startsWith("https:") && url.protocol === "http:" && !isLoopback(url.hostname)) {
    notes.push("An https page may not call an http URL (mixed content): browsers block it before CORS is looked at.");
  }
  if (blockedPorts.has(url.port)) {
    notes.push(`Browsers refuse to call port ${url.port} (net::ERR_UNSAFE_PORT), whatever CORS says.`);
  }
  return notes;
}
