import type { EnumInfo, FieldInfo, IMessageType, ScalarType } from "@protobuf-ts/runtime";
import {
  enumNames,
  isFields,
  type MessageFields,
  onlyFieldOf,
  refuse,
  scalarTypeOf,
  type TypeRegistry,
  zeroTest,
} from "./fields.ts";
import { anyWriter } from "./json-any.ts";
import { type MessageWriter, quoted, scalarWriter, type ValueWriter } from "./json-scalars.ts";
import { wellKnownWriter } from "./json-well-known.ts";

/** Options for writing JSON. */
export interface WriteOptions {
  /** Write fields that hold their zero value. */
  readonly emitDefaults: boolean;
  /** Write JSON names instead of the names in the .proto. */
  readonly camelCase: boolean;
}

/** A member of a JSON object, and the property of the message that holds its value. */
interface Member {
  readonly name: string;
  readonly property: string;
  /** Whether the member is written for a value of the property. Undefined if it always is. */
  readonly isPresent: ((value: unknown) => boolean) | undefined;
  readonly write: ValueWriter;
}

/** Writes messages as JSON. The writer of each type is made once. */
export class JsonWriters {
  readonly #options: WriteOptions;
  readonly #types: TypeRegistry;
  readonly #compiled = new Map<IMessageType<MessageFields>, MessageWriter>();

  /** @param types the types that a `google.protobuf.Any` may hold. */
  constructor(options: WriteOptions, types: TypeRegistry) {
    this.#options = options;
    this.#types = types;
  }

  /** The writer of a message type. It throws a TypeError for an object that is not such a message. */
  of(type: IMessageType<MessageFields>): MessageWriter {
    const known = this.#compiled.get(type);
    if (known !== undefined) return known;
    const writer = this.#compile(type);
    this.#compiled.set(type, writer);
    return writer;
  }

  #compile(type: IMessageType<MessageFields>): MessageWriter {
    if (type.typeName === "google.protobuf.Any") return anyWriter(this.#types, (held) => this.of(held));
    const onlyField = onlyFieldOf(type);
    if (onlyField !== undefined) {
      const { property, write } = this.#member(onlyField, type.typeName);
      return (message) => write(message[property]);
    }
    if (type.typeName === "google.protobuf.Value") return this.#oneKindWriter(type);
    return (
      wellKnownWriter(type) ??
      objectWriter(type.fields.map((field) => this.#member(field, `${type.typeName}.${field.name}`)))
    );
  }

  #oneKindWriter({ typeName, fields }: IMessageType<MessageFields>): MessageWriter {
    const writers = new Map<unknown, ValueWriter>(
      fields.map((field) => [field.localName, this.#member(field, typeName).write]),
    );
    return ({ kind }) => {
      const member = isFields(kind) ? kind["oneofKind"] : undefined;
      const write = writers.get(member) ?? refuse(typeName, "a kind", member);
      const json = write(kind);
      // JSON has no NaN and no infinities, and a string would be read as a string.
      if (member === "numberValue" && json.startsWith('"'))
        throw new TypeError(`${typeName}: expected a finite number`);
      return json;
    };
  }

  #member(field: FieldInfo, path: string): Member {
    const { emitDefaults, camelCase } = this.#options;
    const { localName, oneof } = field;
    const name = camelCase ? field.jsonName : field.name;
    if (field.kind === "map") {
      const isPresent = emitDefaults ? undefined : hasKeys;
      return { name, property: localName, isPresent, write: mapWriter(this.#value(field.V, path), path) };
    }
    const write = this.#value(field, path);
    if (field.repeat !== 0) {
      const isPresent = emitDefaults ? undefined : hasElements;
      return { name, property: localName, isPresent, write: listWriter(write, path) };
    }
    if (oneof !== undefined) return { name, property: oneof, ...oneofMember(localName, write, path) };
    if (field.kind === "message") {
      const isPresent = emitDefaults ? undefined : isSet;
      return { name, property: localName, isPresent, write: (value) => (value === undefined ? "null" : write(value)) };
    }
    if (field.opt) return { name, property: localName, isPresent: isSet, write };
    if (emitDefaults) return { name, property: localName, isPresent: undefined, write };
    const isZero = zeroTest(scalarTypeOf(field));
    return { name, property: localName, isPresent: (value) => !isZero(value), write };
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
    // Looked up on each use, since a message type may contain itself.
    return (message) => (isFields(message) ? this.of(T())(message) : refuse(path, "a message", message));
  }
}

/** The writer of an object with these members, in their order. */
function objectWriter(members: readonly Member[]): MessageWriter {
  const labelled = members.map((member) => ({ ...member, label: `${quoted(member.name)}:` }));
  return (message) => {
    let json = "{";
    for (const { label, property, isPresent, write } of labelled) {
      const value = message[property];
      if (isPresent !== undefined && !isPresent(value)) continue;
      if (json !== "{") json += ",";
      json += label;
      json += write(value);
    }
    return `${json}}`;
  };
}

function isSet(value: unknown): boolean {
  return value !== undefined;
}

// A value that is not a list or map counts as present, so that its writer refuses it.
function hasElements(list: unknown): boolean {
  return !Array.isArray(list) || list.length > 0;
}

function hasKeys(map: unknown): boolean {
  return !isFields(map) || Object.keys(map).length > 0;
}

function listWriter(write: ValueWriter, path: string): ValueWriter {
  return (list) => {
    if (!Array.isArray(list)) return refuse(path, "an array", list);
    let elements = "";
    for (const value of list) elements = elements === "" ? write(value) : `${elements},${write(value)}`;
    return `[${elements}]`;
  };
}

function mapWriter(write: ValueWriter, path: string): ValueWriter {
  return (map) => {
    if (!isFields(map)) return refuse(path, "an object", map);
    let entries = "";
    for (const key of Object.keys(map)) {
      const entry = `${quoted(key)}:${write(map[key])}`;
      entries = entries === "" ? entry : `${entries},${entry}`;
    }
    return `{${entries}}`;
  };
}

/** A member of a oneof, whose value is in the group. */
function oneofMember(localName: string, write: ValueWriter, path: string): Pick<Member, "isPresent" | "write"> {
  const groupOf = (group: unknown) => (isFields(group) ? group : refuse(path, "a oneof group", group));
  return {
    isPresent: (group) => groupOf(group)["oneofKind"] === localName,
    write: (group) => write(groupOf(group)[localName]),
  };
}

function enumWriter(info: EnumInfo, path: string): ValueWriter {
  if (info[0] === "google.protobuf.NullValue") return () => "null";
  const literals = new Map([...enumNames(info)].map(([number, name]) => [number, quoted(name)]));
  return (value) => {
    if (typeof value !== "number" || !Number.isInteger(value)) return refuse(path, "an enum number", value);
    return literals.get(value) ?? String(value);
  };
}
