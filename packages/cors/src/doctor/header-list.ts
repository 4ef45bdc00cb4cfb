import { isToken, trimValue } from "../token.ts";

/** One header line, its value without surrounding whitespace. */
export type Header = readonly [name: string, value: string];

/**
 * All lines of a name joined by a comma, which is how two lines of Allow-Origin become one value that matches nothing:
 * https://fetch.spec.whatwg.org/#concept-header-list-get
 *
 * @param name in lower case.
 * @returns null when there is no such line.
 */
export function getHeader(headers: readonly Header[], name: string): string | null {
  const values = headers.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(", ");
}

/** Whether the server says anything of CORS. */
export function hasCorsHeaders(headers: readonly Header[]): boolean {
  return headers.some(([name]) => name.toLowerCase().startsWith("access-control-"));
}

/** A list of names from a header. */
export interface NameList {
  /** In order and as written; empty when the header is absent, empty or malformed. */
  readonly names: readonly string[];
  /** The first element that is no token, which spoils the whole list; null when the list is well-formed. */
  readonly malformed: string | null;
}

/**
 * Reads a comma list of tokens; empty elements are skipped.
 * https://fetch.spec.whatwg.org/#extract-header-list-values
 */
export function extractNames(headers: readonly Header[], name: string): NameList {
  const elements = (getHeader(headers, name) ?? "")
    .split(",")
    .map(trimValue)
    .filter((element) => element !== "");
  const malformed = elements.find((element) => !isToken(element)) ?? null;
  return { names: malformed === null ? elements : [], malformed };
}
