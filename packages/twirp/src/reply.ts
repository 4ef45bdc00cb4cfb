import type { FastifyReply } from "fastify";
import { TwirpContentType } from "./twirp-ts.ts";

/** The two media types of the protocol, as replies have them: exact, without parameters. */
export const MEDIA_TYPE = { json: "application/json", protobuf: "application/protobuf" } as const;

/**
 * The encoding that a Content-Type header asks for. As in Go, parameters and case do not matter. Anything else is
 * `Unknown`, in particular the types that a page may send without a CORS preflight.
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
  return essence === MEDIA_TYPE.protobuf ? TwirpContentType.Protobuf : TwirpContentType.Unknown;
}

/** Trims HTTP's two kinds of white space (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.3); JavaScript trims more. */
export function trimBlanks(text: string): string {
  const isBlank = (index: number) => text[index] === " " || text[index] === "\t";
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(start)) start += 1;
  while (start < end && isBlank(end - 1)) end -= 1;
  return text.slice(start, end);
}

/**
 * Sends a payload with exactly this Content-Type. Fastify adds a charset to JSON that it gets as text, unless the reply has
 * a serializer. Text is better than bytes: Node sends it in the same packet as the headers.
 */
export function sendExactly(
  reply: FastifyReply,
  status: number,
  payload: string | Buffer,
  contentType: string = MEDIA_TYPE.json,
): void {
  if (typeof payload === "string") reply.serializer(String);
  reply.code(status).header("content-type", contentType).send(payload);
}
