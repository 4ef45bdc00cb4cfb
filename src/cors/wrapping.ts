/** Quotes and brackets around a value, which docker's --env-file keeps and a list written as JSON leaves. */

const quotes = "\"'`\u2018\u2019\u201c\u201d";

/** What to write instead of a wrapped value. */
export interface Unwrapped {
  /** For people, without the value. */
  readonly advice: string;
  readonly inner: string;
}

/** @returns null for a value that is not wrapped. */
export function unwrap(text: string): Unwrapped | null {
  let inner = text;
  let before: string;
  do {
    before = inner;
    if (quotes.includes(inner.charAt(0))) inner = inner.slice(1);
    if (quotes.includes(inner.charAt(inner.length - 1))) inner = inner.slice(0, -1);
    // An IPv6 address stands in brackets of its own.
    if (/^\[(?![\da-f:.]+\])/i.test(inner)) inner = inner.slice(1);
    if (inner.endsWith("]") && !inner.includes("[")) inner = inner.slice(0, -1);
  } while (inner !== before);
  if (inner === text) return null;
  const isJson = text.startsWith("[") || text.endsWith("]");
  return { advice: isJson ? "write a plain comma list, not JSON" : "drop the quotes", inner };
}
