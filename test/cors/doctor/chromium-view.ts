/** Brings the lines and requests of Chromium and of the doctor into the same form, to compare them. */

import { consoleLines, type Diagnosis } from "../../../packages/cors/src/doctor/index.ts";
import type { SeenRequest } from "./broken-server.ts";

/** The line that the doctor predicts, in the form of the test browser; null for none. */
export function expectedLine(diagnosis: Diagnosis): string | null {
  const line = consoleLines(diagnosis)?.chrome ?? null;
  if (line === null) return null;
  const networkError = /net::\w+$/.exec(line);
  // The developer tools print method and URL before it.
  if (networkError !== null) return `Failed to load resource: ${networkError[0]}`;
  return normalizeLines([line])[0] ?? "";
}

/** Chromium names any of several refused headers, and its list of schemes depends on the build. */
export function normalizeLines(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replace(/Request header field \S+/, "Request header field X")
      .replace(/protocol schemes: .*/, "protocol schemes: X"),
  );
}

export function comparable({ method, headers }: SeenRequest) {
  const own = [...headers].filter(
    ([name]) => !/^(user-agent|accept-language|sec-ch-.*|sec-fetch-storage-access)$/.test(name),
  );
  return { method, headers: Object.fromEntries(own.sort()) };
}
