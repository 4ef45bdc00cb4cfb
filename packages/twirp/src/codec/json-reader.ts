import type { EnumInfo, FieldInfo, IMessageType, ScalarType } from "@protobuf-ts/runtime";
import { enumNumbers, INT32, type MessageFields, onlyFieldOf, type TypeRegistry } from "./fields.ts";
import { anyReader, TYPE_MEMBER } from "./json-any.ts";
import { JsonCursor, textOf, type ValueKind } from "./json-cursor.ts";
import { integerReader, mapKeyReader, scalarReader, type ValueReader } from "./json-scalars.ts";
import { type MessageReader, type ReaderOf, wellKnownReader } from "./json-well-known.ts";
import type { DecodingRules, FieldLimit } from "./limits.ts";

type FieldReader = (cursor: JsonCursor, message: MessageFields) => void;

/** Reads messages from JSON. The reader of each type is made once. */
export class JsonReaders {
  readonly #types: TypeRegistry;
  readonly #rules: DecodingRules;
  readonly #compiled = new Map<IMessageType<MessageFields>, MessageReader>();

  /** @param types the types that a `google.protobuf.Any` may hold. */
  constructor(types: TypeRegistry, rules: DecodingRules) {
    this.#types = types;
    this.#rules = rules;
  }

  /** Reads a message from a JSON body. Throws an Error that says what is wrong and where. */
  read(type: IMessageType<MessageFields>, body: Buffer): MessageFields {
    const cursor = new JsonCursor(textOf(body), this.#rules.budget());
    const message = this.of(type)(cursor);
    cursor.end();
    return message;
  }

  /** The reader of a message type. */
  of(type: IMessageType<MessageFields>): MessageReader {
    const known = this.#compiled.get(type);
    if (known !== undefined) return known;
    const read = this.#compile(type);
    const reader: MessageReader = (cursor) => {
      cursor.budget.takeObject();
      return read(cursor);
    };
    this.#compiled.set(type, reader);
    return reader;
  }

  #compile(type: IMessageType<MessageFields>): MessageReader {
    const readerOf = (memberType: IMessageType<MessageFields>) => this.of(memberType);
    if (type.typeName === "google.protobuf.Any") return anyReader(type, this.#types, readerOf);
    const fieldReaderOf = (field: FieldInfo, name = field.name) =>
      fieldReader(field, name, readerOf, this.#rules.of(type.typeName, field.name));
    const onlyField = onlyFieldOf(type);
    if (onlyField !== undefined) return contentReader(type, fieldReaderOf(onlyField, type.typeName));
    if (type.typeName === "google.protobuf.Value") return oneKindReader(type, fieldReaderOf);
    return wellKnownReader(type) ?? objectReader(type, fieldReaderOf);
  }
}

/** The reader of a type that has the JSON of its only field. */
function contentReader(type: IMessageType<MessageFields>, read: FieldReader): MessageReader {
  return (cursor) => {
    const message = type.create();
    read(cursor, message);
    return message;
  };
}

/** The field of a `google.protobuf.Value` that holds a kind of JSON. */
const FIELD_OF_KIND: Readonly<Record<ValueKind, string>> = {
  object: "struct_value",
  array: "list_value",
  string: "string_value",
  number: "number_value",
  boolean: "bool_value",
  null: "null_value",
  none: "",
};

function oneKindReader(type: IMessageType<MessageFields>, readerOf: (field: FieldInfo) => FieldReader): MessageReader {
  const fields = new Map(type.fields.map((field) => [field.name, readerOf(field)]));
  return (cursor) => {
    const read = fields.get(FIELD_OF_KIND[cursor.peek()]);
    if (read === undefined) throw cursor.failure("expected a value");
    const message = type.create();
    read(cursor, message);
    return message;
  };
}

function objectReader(type: IMessageType<MessageFields>, readerOf: (field: FieldInfo) => FieldReader): MessageReader {
  const fields = new Map<string, { readonly index: number; readonly field: FieldInfo; readonly read: FieldReader }>();
  type.fields.forEach((field, index) => {
    const entry = { index, field, read: readerOf(field) };
    fields.set(field.name, entry);
    fields.set(field.jsonName, entry);
  });

  return (cursor) => {
    if (cursor.peek() !== "object") throw cursor.failure(`expected an object for ${type.typeName}`);
    const message = type.create();
    const seen: boolean[] = [];
    cursor.readObject((name) => {
      const entry = fields.get(name);
      if (entry === undefined) {
        // The members of an Any are @type and the fields of its content.
        if (name !== TYPE_MEMBER) cursor.budget.takeUnknownField();
        cursor.skipValue();
        return;
      }
      // A field has two names, of which only one may be given.
      if (seen[entry.index] === true) throw cursor.failure(`${entry.field.name}: given twice`);
      seen[entry.index] = true;
      if (cursor.peek() === "null" && !takesNull(entry.field)) cursor.readNull();
      else entry.read(cursor, message);
    });
    return message;
  };
}

/** In all other fields, null means that the field is not set. */
function takesNull(field: FieldInfo): boolean {
  if (field.kind === "message") return field.repeat === 0 && field.T().typeName === "google.protobuf.Value";
  return field.kind === "enum" && field.repeat === 0 && isNullValue(field.T());
}

function isNullValue([typeName]: EnumInfo): boolean {
  return typeName === "google.protobuf.NullValue";
}

/** @param name name of the field in error messages. */
function fieldReader(field: FieldInfo, name: string, readerOf: ReaderOf, limit: FieldLimit): FieldReader {
  const { localName } = field;
  if (field.kind === "map")
    return mapReader(localName, name, mapKeyReader(field.K), valueReader(field.V, name, readerOf), limit);
  const read = valueReader(field, name, readerOf);
  if (field.repeat !== 0) {
    const counted: ValueReader = (cursor) => {
      cursor.budget.takeListValues(1);
      return read(cursor);
    };
    return listReader(localName, name, field.kind === "message" ? read : counted, limit);
  }
  const { oneof } = field;
  if (oneof === undefined) {
    return (cursor, message) => {
      message[localName] = read(cursor);
    };
  }
  return (cursor, message) => {
    const group = message[oneof];
    if (isSetGroup(group)) throw cursor.failure(`${name}: another member of ${oneof} is set already`);
    message[oneof] = { oneofKind: localName, [localName]: read(cursor) };
  };
}

function isSetGroup(group: unknown): boolean {
  return typeof group === "object" && group !== null && "oneofKind" in group && group.oneofKind !== undefined;
}

function listReader(localName: string, name: string, read: ValueReader, limit: FieldLimit): FieldReader {
  return (cursor, message) => {
    if (cursor.peek() !== "array") throw cursor.failure(`${name}: expected an array`);
    const list: unknown[] = [];
    cursor.readArray(() => {
      if (limit.keeps(list, list.length)) list.push(read(cursor));
      else cursor.skipValue();
    });
    message[localName] = list;
  };
}

function mapReader(
  localName: string,
  name: string,
  keyOf: (name: string) => string | undefined,
  read: ValueReader,
  limit: FieldLimit,
): FieldReader {
  return (cursor, message) => {
    if (cursor.peek() !== "object") throw cursor.failure(`${name}: expected an object`);
    // Any text may be a key, "__proto__" and "constructor" too, so the map has no prototype.
    const map: MessageFields = Object.create(null);
    let size = 0;
    cursor.readObject((memberName) => {
      if (!limit.keeps(map, size)) {
        cursor.skipValue();
        return;
      }
      cursor.budget.takeObject();
      size += 1;
      const key = keyOf(memberName);
      if (key === undefined) throw cursor.failure(`${name}: bad map key`);
      if (key in map) throw cursor.failure(`${name}: map key given twice`);
      map[key] = read(cursor);
    });
    message[localName] = map;
  };
}

type ValueType =
  | { readonly kind: "scalar"; readonly T: ScalarType; readonly L?: Parameters<typeof scalarReader>[1] }
  | { readonly kind: "enum"; readonly T: () => EnumInfo }
  | { readonly kind: "message"; readonly T: () => IMessageType<MessageFields> };

function valueReader(value: ValueType, name: string, readerOf: ReaderOf): ValueReader {
  if (value.kind === "scalar") return scalarReader(value.T, value.L, name);
  if (value.kind === "enum") return enumReader(value.T(), name);
  // Looked up on first use, since a message type may contain itself.
  const { T } = value;
  let read: MessageReader | undefined;
  return (cursor) => {
    read ??= readerOf(T());
    return read(cursor);
  };
}

function enumReader(info: EnumInfo, name: string): ValueReader {
  const numbers = enumNumbers(info);
  const readNumber = integerReader({ ...INT32, name: "an enum number" }, undefined, name);
  const nullable = isNullValue(info);
  return (cursor) => {
    const kind = cursor.peek();
    if (kind === "number") return readNumber(cursor);
    if (kind === "null" && nullable) {
      cursor.readNull();
      return 0;
    }
    if (kind !== "string") throw cursor.failure(`${name}: expected an enum name or number`);
    const number = numbers.get(cursor.readString());
    if (number === undefined) throw cursor.failure(`${name}: unknown enum name`);
    return number;
  };
}
