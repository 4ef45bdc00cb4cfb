/** The tables by which src/client reads and writes the messages that ts-proto declares: of each field its number and type. */
import {
  type FieldDescriptor,
  type FileDescriptor,
  type Image,
  localName,
  type MessageDescriptor,
  mapValueOf,
} from "./image.ts";

const SCALARS: Readonly<Record<string, string>> = {
  TYPE_STRING: "string",
  TYPE_BOOL: "bool",
  TYPE_INT32: "int32",
  TYPE_INT64: "int64",
};

const TIMESTAMP = ".google.protobuf.Timestamp";

const PREAMBLE = `
/** A message: how its fields are called and written. */
export interface MessageType<T> {
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Never there: it ties the table to the type of its messages. */
  readonly message?: T;
}

/** A field's number, its type, and what else it is. */
export type Field = readonly [number: number, type: FieldType, label?: FieldLabel];

/** A message's or enum's table is given by a function, since it may stand further down. */
export type FieldType =
  | "int32"
  | "int64"
  | "bool"
  | "string"
  | "time"
  | (() => MessageType<unknown>)
  | (() => EnumType);

/** A map is always one of strings to strings. */
export type FieldLabel = "optional" | "list" | "map" | { readonly oneof: string };

/** An enum of TypeScript, with \`UNRECOGNIZED\` for values that only a newer service knows. */
export type EnumType<Member = number> = Readonly<Record<string, string | Member>>;

/** The fields that a table must have to agree with what ts-proto declares: a row for each, and for each member of a oneof. */
type FieldsOf<T> = {
  readonly [Name in Exclude<keyof T, OneofOf<T>>]-?: RowOf<T, Name>;
} & {
  readonly [Case in CaseOf<T>["$case"]]: readonly [number, TypeOf<MemberOf<CaseOf<T>, Case>>, { readonly oneof: OneofOf<T> }];
};

type RowOf<T, Name extends keyof T, Value = NonNullable<T[Name]>> = [Value] extends [readonly (infer Item)[]]
  ? readonly [number, TypeOf<Item>, "list"]
  : string extends keyof Value
    ? readonly [number, "string", "map"]
    : {} extends Pick<T, Name>
      ? readonly [number, TypeOf<Value>, "optional"]
      : readonly [number, undefined extends T[Name] ? ([Value] extends [string] ? "time" : TypeOf<Value>) : TypeOf<Value>];

/** 0.5 tells a number from an enum, since no literal that an enum lacks may be assigned to it. */
type TypeOf<Value> = [Value] extends [bigint]
  ? "int64"
  : [Value] extends [boolean]
    ? "bool"
    : [Value] extends [string]
      ? "string"
      : 0.5 extends Value
        ? "int32"
        : [Value] extends [number]
          ? () => EnumType<Value>
          : () => MessageType<Value>;

type OneofOf<T> = { [Name in keyof T]-?: NonNullable<T[Name]> extends { $case: string } ? Name : never }[keyof T];

type CaseOf<T> = Extract<T[OneofOf<T>], { $case: string }>;

type MemberOf<One, Case extends PropertyKey> = One extends Record<Case, infer Member> ? Member : never;
`;

/** @throws Error for what the API had not so far, as another scalar: say here how it is written. */
export function clientFields(image: Image): string {
  const files = image.file.filter(({ package: name, messageType }) => name !== "google.protobuf" && messageType);
  const imports = files.map((file) => `import * as ${moduleOf(file)} from "./${file.name.replace(/proto$/, "js")}";\n`);
  const enums = new Map(
    files.flatMap((file) => (file.enumType ?? []).map(({ name }) => [name, `${moduleOf(file)}.${name}`] as const)),
  );
  const tables = files.flatMap((file) =>
    (file.messageType ?? []).map((message) => tableOf(message, `${moduleOf(file)}.${message.name}`, enums)),
  );
  return ["// Generated from proto/ by `npm run generate`. Do not edit.\n", ...imports, PREAMBLE, ...tables].join("");
}

/** "finance/v1/account.proto" as "account". */
function moduleOf({ name }: FileDescriptor): string {
  return name.replace(/^.*\/|\.proto$/g, "");
}

function tableOf(message: MessageDescriptor, type: string, enums: ReadonlyMap<string, string>): string {
  const { name, field: fields = [] } = message;
  const rows = fields.map(
    (field) => `    ${field.jsonName}: [${[field.number, ...typeAndLabelOf(field, message, enums)].join(", ")}],\n`,
  );
  const members = `  name: "${name}",\n  fields: {\n${rows.join("")}  } satisfies FieldsOf<${type}>,\n`;
  return `\nexport const ${name}: MessageType<${type}> = {\n${members}};\n`;
}

function typeAndLabelOf(field: FieldDescriptor, message: MessageDescriptor, enums: ReadonlyMap<string, string>) {
  const { name, label, type, typeName = "", oneofIndex, proto3Optional } = field;
  const value = mapValueOf(field, message);
  if (value !== undefined) {
    if (value.type !== "TYPE_STRING") throw new Error(`${name} is a map of ${value.type}`);
    return ['"string"', '"map"'];
  }
  const scalar = typeName === TIMESTAMP ? "time" : SCALARS[type];
  const isList = label === "LABEL_REPEATED";
  if (scalar !== undefined && isList) throw new Error(`${name} is a list of ${scalar}`);
  if (scalar === undefined && (typeName === "" || typeName.startsWith(".google.")))
    throw new Error(`${name} is of ${type} ${typeName}`);
  const local = localName(typeName);
  const written = scalar === undefined ? `() => ${enums.get(local) ?? local}` : `"${scalar}"`;
  if (isList) return [written, '"list"'];
  if (proto3Optional) return [written, '"optional"'];
  const oneof = oneofIndex === undefined ? undefined : message.oneofDecl?.[oneofIndex]?.name;
  return oneof === undefined ? [written] : [written, `{ oneof: "${oneof}" }`];
}
