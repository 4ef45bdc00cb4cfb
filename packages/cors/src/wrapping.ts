/** Quotes, brackets and invisible characters around a value, which docker's --env-file, JSON, YAML and word processors leave. */

const quotes = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\uff02\uff07";
const brackets = "(){}<>";

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
    if (isAround(inner.charAt(0))) inner = inner.slice(1);
    if (isAround(inner.charAt(inner.length - 1))) inner = inner.slice(0, -1);
    // An IPv6 address stands in brackets of its own.
    if (/^\[(?![\da-f:.]+\])/i.test(inner)) inner = inner.slice(1);
    if (inner.endsWith("]") && !inner.includes("[")) inner = inner.slice(0, -1);
  } while (inner !== before);
  if (inner === text) return null;
  const removed = text.replace(inner, "");
  const has = (characters: string) => [...removed].some((character) => characters.includes(character));
  if (has("[]")) return { advice: "write a plain comma list, not JSON", inner };
  if (has(quotes)) return { advice: "drop the quotes", inner };
  return {
    advice: has(brackets) ? "drop the brackets" : "drop the white space around it, which may be invisible",
    inner,
  };
}

function isAround(character: string): boolean {
  if (character === "") return false;
  return quotes.includes(character) || brackets.includes(character) || isInvisible(character);
}

/** White space, and characters without width. */
function isInvisible(character: string): boolean {
  return /[\s\u00ad\u200b-\u200f\u2060\ufeff]/.test(character);
}
