import type { EnumInfo, FieldInfo, IMessageType, ScalarType } from "@protobuf-ts/runtime";
import { isFields, type MessageFields } from "../message-fields.ts";
import { enumNames } from "./enums.ts";
import { isZero, quoted, refuse, scalarWriter, type ValueWriter } from "./scalar-writers.ts";
import { wellKnownWriter } from "./well-known-writers.ts";

/** How messages are written. */
export interface WriteOptions {
  /** Write fields that hold their zero value. */
  readonly emitDefaults: boolean;
  /** Write JSON names instead of the names in the .proto. */
  readonly camelCase: boolean;
}

type MessageWriter = (message: MessageFields) => string;

/** Writes one member, name and all; empty when it is left out. */
type MemberWriter = (message: MessageFields) => string;

/** Compiles writers of messages, each once. */
export class JsonWriters {
  readonly #options: WriteOptions;
  readonly #compiled = new Map<IMessageType<MessageFields>, MessageWriter>();

  constructor(options: WriteOptions) {
    this.#options = options;
  }

  /** The writer of a message type. It throws a TypeError for an object that is no such message. */
  of(type: IMessageType<MessageFields>): MessageWriter {
    const known = this.#compiled.get(type);
    if (known !== undefined) return known;
    const writer = wellKnownWriter(type) ?? this.#compile(type);
    this.#compiled.set(type, writer);
    return writer;
  }

  #compile(type: IMessageType<MessageFields>): MessageWriter {
    const members = type.fields.map((field) => this.#member(field, `${type.typeName}.${field.name}`));
    return (message) => {
      let json = "";
      for (const write of members) {
        const member = write(message);
        if (member !== "") json = json === "" ? member : `${json},${member}`;
      }
      return `{${json}}`;
    };
  }

  #member(field: FieldInfo, path: string): MemberWriter {
    const { localName } = field;
    const name = `${quoted(this.#options.camelCase ? field.jsonName : field.name)}:`;
    if (field.kind === "map") return this.#map(field, name, path);
    const write = this.#value(field, path);
    if (field.repeat !== 0) return this.#list(localName, name, path, write);
    const { oneof } = field;
    if (oneof !== undefined) {
      return (message) => {
        const group = message[oneof];
        if (typeof group !== "object" || group === null) return refuse(path, "a oneof group", group);
        return isSelected(group, localName) ? name + write(Reflect.get(group, localName)) : "";
      };
    }
    if (field.kind === "message") {
      const unset = this.#options.emitDefaults ? `${name}null` : "";
      return (message) => {
        const value = message[localName];
        return value === undefined ? unset : name + write(value);
      };
    }
    if (field.opt) {
      return (message) => {
        const value = message[localName];
        return value === undefined ? "" : name + write(value);
      };
    }
    if (this.#options.emitDefaults) return (message) => name + write(message[localName]);
    return (message) => {
      const value = message[localName];
      return isZero(value) ? "" : name + write(value);
    };
  }

  #list(localName: string, name: string, path: string, write: ValueWriter): MemberWriter {
    const empty = this.#options.emitDefaults ? `${name}[]` : "";
    return (message) => {
      const list = message[localName];
      if (!Array.isArray(list)) return refuse(path, "an array", list);
      if (list.length === 0) return empty;
      let json = "";
      for (const value of list) json = json === "" ? write(value) : `${json},${write(value)}`;
      return `${name}[${json}]`;
    };
  }

  #map(field: FieldInfo & { kind: "map" }, name: string, path: string): MemberWriter {
    const { localName } = field;
    const write = this.#value(field.V, path);
    const empty = this.#options.emitDefaults ? `${name}{}` : "";
    return (message) => {
      const map = message[localName];
      if (typeof map !== "object" || map === null) return refuse(path, "an object", map);
      let json = "";
      for (const [key, value] of Object.entries(map)) {
        const entry = `${quoted(key)}:${write(value)}`;
        json = json === "" ? entry : `${json},${entry}`;
      }
      return json === "" ? empty : `${name}{${json}}`;
    };
  }

  #value(
    value:
      | { readonly kind: "scalar"; readonly T: ScalarType }
      | { readonly kind: "enum"; readonly T: () => EnumInfo }
      | { readonly kind: "message"; readonly T: () => IMessageType<MessageFields> },
    path: string,
  ): ValueWriter {
    if (value.kind === "scalar") return scalarWriter(value.T, path);
    if (value.kind === "enum") return enumWriter(value.T(), path);
    const { T } = value;
    // Resolved on use: a message may hold itself.
    return (message) => (isFields(message) ? this.of(T())(message) : refuse(path, "a message", message));
  }
}

function isSelected(group: object, localName: string): boolean {
  return "oneofKind" in group && group.oneofKind === localName;
}

function enumWriter(info: EnumInfo, path: string): ValueWriter {
  if (info[0] === "google.protobuf.NullValue") return () => "null";
  const literals = new Map([...enumNames(info)].map(([number, name]) => [number, quoted(name)]));
  return (value) => {
    if (typeof value !== "number" || !Number.isInteger(value)) return refuse(path, "an enum number", value);
    return literals.get(value) ?? String(value);
  };
}
