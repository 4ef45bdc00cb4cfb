/** Tokens, the alphabet of method and header names (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2). */
const tokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const isTokenCode = new Uint8Array(256);
for (const character of tokenCharacters) isTokenCode[character.charCodeAt(0)] = 1;

/** Whether `text` is a non-empty token. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isTokenCode[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/**
 * "A recipient MUST parse and ignore a reasonable number of empty list elements"
 * (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2): this is ours.
 */
const emptyElementsMax = 16;

/**
 * The names in the value of Access-Control-Request-Headers, in lower case and in order.
 *
 * @returns null when an element is no token or too many are empty.
 */
export function readHeaderNames(value: string): string[] | null {
  const names: string[] = [];
  let emptyElements = 0;
  let start = 0;
  while (start <= value.length) {
    const comma = value.indexOf(",", start);
    const stop = comma < 0 ? value.length : comma;
    let first = start;
    let last = stop;
    while (first < last && isBlank(value.charCodeAt(first))) first++;
    while (first < last && isBlank(value.charCodeAt(last - 1))) last--;
    if (first === last) {
      emptyElements++;
      if (emptyElements > emptyElementsMax) return null;
    } else {
      const name = value.slice(first, last);
      if (!isToken(name)) return null;
      names.push(name.toLowerCase());
    }
    start = stop + 1;
  }
  return names;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Text without the white space that HTTP strips around a value: space, tab, CR and LF, of all that JavaScript's trim knows.
 * https://fetch.spec.whatwg.org/#concept-header-value-normalize
 */
export function trimValue(text: string): string {
  const isStripped = (code: number) => isBlank(code) || code === 0x0a || code === 0x0d;
  let first = 0;
  let last = text.length;
  while (first < last && isStripped(text.charCodeAt(first))) first++;
  while (first < last && isStripped(text.charCodeAt(last - 1))) last--;
  return text.slice(first, last);
}
