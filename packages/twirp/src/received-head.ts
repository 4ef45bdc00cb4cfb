import { trimBlanks } from "./media-type.ts";

/** What can be read of the head of a request that is broken. */
export interface ReceivedHead {
  /** Undefined when no request line was found. */
  readonly requestLine: { readonly method: string; readonly target: string; readonly version: string } | undefined;
  /** The first value of a header; undefined when there is none so far. */
  readonly header: (name: string) => string | undefined;
}

/** A request line; the body before it may end on the same line. */
const METHOD = /(?:^|\})([\w!#$%&'*+.^`|~-]+)$/;
const VERSION = /^HTTP\/\d+\.\d+$/;

/**
 * Reads what came last on a connection, in which a parser failed at an offset. Requests before the broken one, and what
 * came of it earlier, may be there or not.
 */
export function readHead(packet: Buffer, failedAt: number): ReceivedHead {
  const lines = packet.toString("latin1").split("\n").map(withoutReturn);
  const failedLine = packet.subarray(0, failedAt).toString("latin1").split("\n").length - 1;
  // The head of a request before this one ended with an empty line.
  const start = lines.slice(0, failedLine).lastIndexOf("") + 1;
  const end = lines.indexOf("", Math.max(failedLine, start));
  const head = lines.slice(start, end === -1 ? undefined : end);
  const found = head.slice(0, failedLine - start + 1).map(readRequestLine);
  const at = found.findLastIndex((line) => line !== undefined);
  const headers = new Map<string, string>();
  // Without a request line, all that came may be header lines.
  for (const line of head.slice(at + 1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (name !== "" && !headers.has(name)) headers.set(name, trimBlanks(line.slice(colon + 1)));
  }
  return { requestLine: found[at], header: (name) => headers.get(name) };
}

function readRequestLine(line: string): ReceivedHead["requestLine"] {
  const words = line.split(" ");
  const [before = "", target = "", version = ""] = words.slice(-3);
  const method = METHOD.exec(before)?.[1];
  if (method === undefined || target === "" || !VERSION.test(version)) return undefined;
  return words.length === 3 || before.includes("}") ? { method, target, version } : undefined;
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
