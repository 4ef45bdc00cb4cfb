import { BinaryReader } from "@bufbuild/protobuf/wire";
import { agrees } from "./json-agreement.ts";
import type { MessageType } from "./method.ts";
import type { TransportReply } from "./transport.ts";

/** How messages travel. Both say the same. */
export type Format = "json" | "protobuf";

/** Content type of both requests and replies. */
export function mediaTypeOf(format: Format): string {
  return `application/${format}`;
}

/** @throws Error for values that the wire can't carry, as an integer beyond int64. */
export function encode<T>(format: Format, type: MessageType<T>, message: T): string | Uint8Array<ArrayBuffer> {
  // Only this writer checks its integers.
  const bytes = type.encode(message).finish();
  return format === "json" ? JSON.stringify(type.toJSON(message)) : bytes;
}

/** @throws Error when the reply holds no such message. */
export function decode<T>(format: Format, type: MessageType<T>, { body, header }: TransportReply): T {
  const contentType = header("content-type") ?? "none";
  if (!contentType.startsWith(mediaTypeOf(format))) throw new TypeError(`its content type is ${contentType}`);
  if (format === "json") {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    const message = type.fromJSON(json);
    if (!agrees(json, message)) throw new TypeError("its JSON has members of other types");
    return message;
  }
  const reader = new BinaryReader(body);
  const message = type.decode(reader, body.length);
  // ts-proto stops in silence at a tag that cannot be.
  if (reader.pos !== body.length) throw new TypeError(`it ends at byte ${reader.pos} of ${body.length}`);
  return message;
}
