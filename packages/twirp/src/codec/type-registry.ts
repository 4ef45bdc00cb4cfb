import type { FieldInfo, IMessageType } from "@protobuf-ts/runtime";
import type { MessageFields } from "./message-fields.ts";

/** Finds message types by the URLs that a `google.protobuf.Any` carries. */
export class TypeRegistry {
  readonly #types = new Map<string, IMessageType<MessageFields>>();

  /** Knows these types and all that their fields mention. */
  constructor(types: Iterable<IMessageType<MessageFields>>) {
    const pending = [...types];
    for (let type = pending.pop(); type !== undefined; type = pending.pop()) {
      if (this.#types.has(type.typeName)) continue;
      this.#types.set(type.typeName, type);
      pending.push(...type.fields.flatMap(messageTypeOf));
    }
  }

  /**
   * The type that a URL such as `type.googleapis.com/finance.v1.Account` names; undefined when it is not known. Only what
   * follows the last slash counts. https://protobuf.dev/reference/protobuf/google.protobuf/#any
   */
  find(url: string): IMessageType<MessageFields> | undefined {
    return this.#types.get(url.slice(url.lastIndexOf("/") + 1));
  }
}

function messageTypeOf(field: FieldInfo): IMessageType<MessageFields>[] {
  if (field.kind === "message") return [field.T()];
  return field.kind === "map" && field.V.kind === "message" ? [field.V.T()] : [];
}
