import { TwirpContentType } from "twirp-ts";

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
  const essence = (semicolon === -1 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  if (essence === MEDIA_TYPE.json) return TwirpContentType.JSON;
  if (essence === MEDIA_TYPE.protobuf) return TwirpContentType.Protobuf;
  return TwirpContentType.Unknown;
}
