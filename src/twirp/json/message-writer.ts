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

/** Adds one member to the text of its object so far, or leaves it out. */
type MemberWriter = (message: MessageFields, json: string) => string;

/** Adds a member's name to the text of its object so far. */
type Label = (json: string) => string;

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
      let json = "{";
      for (const write of members) json = write(message, json);
      return `${json}}`;
    };
  }

  #member(field: FieldInfo, path: string): MemberWriter {
    const { localName } = field;
    const label = labelOf(this.#options.camelCase ? field.jsonName : field.name);
    if (field.kind === "map") return this.#map(field, label, path);
    const write = this.#value(field, path);
    if (field.repeat !== 0) return this.#list(localName, label, path, write);
    const { oneof } = field;
    if (oneof !== undefined) {
      return (message, json) => {
        const group = message[oneof];
        if (typeof group !== "object" || group === null) return refuse(path, "a oneof group", group);
        return isSelected(group, localName) ? label(json) + write(Reflect.get(group, localName)) : json;
      };
    }
    if (field.kind === "message") {
      const { emitDefaults } = this.#options;
      return (message, json) => {
        const value = message[localName];
        if (value !== undefined) return label(json) + write(value);
        return emitDefaults ? `${label(json)}null` : json;
      };
    }
    if (field.opt) {
      return (message, json) => {
        const value = message[localName];
        return value === undefined ? json : label(json) + write(value);
      };
    }
    if (this.#options.emitDefaults) return (message, json) => label(json) + write(message[localName]);
    return (message, json) => {
      const value = message[localName];
      return isZero(value) ? json : label(json) + write(value);
    };
  }

  #list(localName: string, label: Label, path: string, write: ValueWriter): MemberWriter {
    const { emitDefaults } = this.#options;
    return (message, json) => {
      const list = message[localName];
      if (!Array.isArray(list)) return refuse(path, "an array", list);
      if (list.length === 0) return emitDefaults ? `${label(json)}[]` : json;
      let elements = "";
      for (const value of list) elements = elements === "" ? write(value) : `${elements},${write(value)}`;
      return `${label(json)}[${elements}]`;
    };
  }

  #map(field: FieldInfo & { kind: "map" }, label: Label, path: string): MemberWriter {
    const { localName } = field;
    const write = this.#value(field.V, path);
    const { emitDefaults } = this.#options;
    return (message, json) => {
      const map = message[localName];
      if (typeof map !== "object" || map === null) return refuse(path, "an object", map);
      let entries = "";
      for (const key of Object.keys(map)) {
        const entry = `${quoted(key)}:${write(Reflect.get(map, key))}`;
        entries = entries === "" ? entry : `${entries},${entry}`;
      }
      return entries === "" && !emitDefaults ? json : `${label(json)}{${entries}}`;
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

function labelOf(name: string): Label {
  const first = `${quoted(name)}:`;
  const next = `,${first}`;
  return (json) => json + (json === "{" ? first : next);
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
