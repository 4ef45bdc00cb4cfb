import { TwirpContentType } from "./twirp-ts.ts";

/** The two media types of the protocol, as they are written on replies: exact, without parameters. */
export const MEDIA_TYPE = { json: "application/json", protobuf: "application/protobuf" } as const;

/**
 * Which encoding a Content-Type header asks for. Parameters are ignored and case does not matter, as in Go; anything
 * else is `Unknown`, in particular the types that a page may send without a CORS preflight.
 *
 * https://twitchtv.github.io/twirp/docs/spec_v7.html#requests
 */
export function contentTypeOf(header: string | undefined): TwirpContentType {
  if (header === undefined) return TwirpContentType.Unknown;
  if (header === MEDIA_TYPE.json) return TwirpContentType.JSON;
  if (header === MEDIA_TYPE.protobuf) return TwirpContentType.Protobuf;
  const semicolon = header.indexOf(";");
  const essence = trimBlanks(semicolon === -1 ? header : header.slice(0, semicolon)).toLowerCase();
  if (essence === MEDIA_TYPE.json) return TwirpContentType.JSON;
  if (essence === MEDIA_TYPE.protobuf) return TwirpContentType.Protobuf;
  return TwirpContentType.Unknown;
}

/** HTTP knows two kinds of white space (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.3), JavaScript many more. */
export function trimBlanks(text: string): string {
  const isBlank = (index: number) => text[index] === " " || text[index] === "\t";
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(start)) start += 1;
  while (start < end && isBlank(end - 1)) end -= 1;
  return text.slice(start, end);
}
