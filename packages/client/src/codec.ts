import type { MessageType } from "../../../generated/client/fields.ts";
import { decodeBinary, encodeBinary } from "./binary-format.ts";
import { decodeJson, encodeJson } from "./json-format.ts";
import type { TransportReply } from "./transports.ts";
import { UTF8 } from "./wire.ts";

/** How messages travel. Both say the same. */
export type Format = "json" | "protobuf";

/** Content type of both requests and replies. */
export function mediaTypeOf(format: Format): string {
  return `application/${format}`;
}

export function encode<T>(format: Format, type: MessageType<T>, message: T): string | Uint8Array<ArrayBuffer> {
  return format === "json" ? encodeJson(type, message) : encodeBinary(type, message);
}

/** @throws Error when the reply holds no such message. */
export function decode<T>(format: Format, type: MessageType<T>, reply: TransportReply): T {
  const contentType = reply.header("content-type") ?? "none";
  const [mediaType = ""] = contentType.split(";");
  if (mediaType.trim().toLowerCase() !== mediaTypeOf(format)) throw new TypeError(`its content type is ${contentType}`);
  return format === "json" ? decodeJson(type, UTF8.decode(reply.body)) : decodeBinary(type, reply.body);
}
