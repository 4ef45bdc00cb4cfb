const NAMED: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

// Letters, marks, numbers, punctuation, symbols and the plain space are printable; the rest is escaped.
const ESCAPED = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** Quotes text as Go's `%q` does, so that error messages read the same from both. https://pkg.go.dev/strconv#Quote */
export function quote(text: string): string {
  return `"${text.replace(ESCAPED, escapeCharacter)}"`;
}

/** Characters of an excerpt. */
const EXCERPT_MAX = 200;

/** Quotes the beginning of a text that may be as long as a body: an error should not be longer than what it is about. */
export function quoteStart(text: string): string {
  return text.length <= EXCERPT_MAX ? quote(text) : `${quote(text.slice(0, EXCERPT_MAX))}…`;
}

function escapeCharacter(character: string): string {
  const named = NAMED.get(character);
  if (named !== undefined) return named;
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return "\ufffd";
  if (codePoint < 0x80) return `\\x${codePoint.toString(16).padStart(2, "0")}`;
  if (codePoint < 0x10000) return `\\u${codePoint.toString(16).padStart(4, "0")}`;
  return `\\U${codePoint.toString(16).padStart(8, "0")}`;
}
