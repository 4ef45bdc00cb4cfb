/** The client's messages in TypeScript: a type of each, and a table of its fields by which src/client reads and writes it. */
import {
  commentAt,
  type EnumDescriptor,
  type FieldDescriptor,
  type FileDescriptor,
  type Image,
  localName,
  type MessageDescriptor,
  mapValueOf,
  PART,
} from "./image.ts";

/** What a field's type is called in the table, and in TypeScript. */
const SCALARS: Readonly<Record<string, readonly [type: string, typescript: string]>> = {
  TYPE_STRING: ["string", "string"],
  TYPE_BOOL: ["bool", "boolean"],
  TYPE_INT32: ["int32", "number"],
  TYPE_INT64: ["int64", "bigint"],
};

const TIMESTAMP = ".google.protobuf.Timestamp";

const PREAMBLE = `// Generated from proto/ by \`npm run generate\`. Do not edit.

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
export type EnumType = Readonly<Record<string, string | number>>;
`;

/** @throws Error for what the API had not so far, as another scalar: say here how it is written. */
export function clientMessages(image: Image): string {
  const files = image.file.filter((file) => file.package !== "google.protobuf");
  const declarations = files.flatMap((file) => [
    ...(file.enumType ?? []).map((type, index) => enumOf(file, type, index)),
    ...(file.messageType ?? []).map((message, index) => messageOf(file, message, index)),
  ]);
  return [PREAMBLE, ...declarations].join("\n");
}

function enumOf(file: FileDescriptor, { name, value: values }: EnumDescriptor, index: number): string {
  const members = values.map(
    (member, position) =>
      `${comment(commentAt(file, PART.enum, index, PART.member, position), "  ")}  ${member.name} = ${member.number},\n`,
  );
  const unrecognized = "  /** A value that only a newer service knows. */\n  UNRECOGNIZED = -1,\n";
  return `${comment(commentAt(file, PART.enum, index))}export enum ${name} {\n${members.join("")}${unrecognized}}\n`;
}

function messageOf(file: FileDescriptor, message: MessageDescriptor, index: number): string {
  const { name, field: fields = [] } = message;
  const types: string[] = [];
  const rows: string[] = [];
  for (const [position, field] of fields.entries()) {
    const oneof = oneofOf(field, message);
    const label = labelOf(field, message, oneof);
    rows.push(`    ${field.jsonName}: [${[field.number, tableType(field, message), ...label].join(", ")}],\n`);
    if (oneof === undefined) {
      const about = comment(commentAt(file, PART.message, index, PART.member, position), "  ");
      types.push(`${about}  ${field.jsonName}: ${typescriptType(field, message)};\n`);
    } else if (fields.find((other) => oneofOf(other, message) === oneof) === field) {
      const members = fields.filter((other) => oneofOf(other, message) === oneof);
      const cases = members.map((one) => `    | { $case: "${one.jsonName}"; ${one.jsonName}: ${singleType(one)} }\n`);
      types.push(`  /** None that is known: undefined. */\n  ${oneof}:\n${cases.join("")}    | undefined;\n`);
    }
  }
  const head = comment(commentAt(file, PART.message, index));
  const table = `{\n  name: "${name}",\n  fields: {\n${rows.join("")}  },\n}`;
  return `${head}export interface ${name} {\n${types.join("")}}\n\nexport const ${name}: MessageType<${name}> = ${table};\n`;
}

function labelOf(field: FieldDescriptor, message: MessageDescriptor, oneof: string | undefined): string[] {
  if (mapValueOf(field, message) !== undefined) return ['"map"'];
  if (field.label === "LABEL_REPEATED") return ['"list"'];
  if (oneof !== undefined) return [`{ oneof: "${oneof}" }`];
  return field.proto3Optional === true ? ['"optional"'] : [];
}

function oneofOf({ oneofIndex, proto3Optional }: FieldDescriptor, { oneofDecl = [] }: MessageDescriptor) {
  return oneofIndex === undefined || proto3Optional === true ? undefined : oneofDecl[oneofIndex]?.name;
}

function tableType(field: FieldDescriptor, message: MessageDescriptor): string {
  const { name, type, typeName = "" } = field;
  const value = mapValueOf(field, message);
  if (value !== undefined) {
    if (value.type !== "TYPE_STRING") throw new Error(`${name} is a map of ${value.type}`);
    return '"string"';
  }
  const scalar = typeName === TIMESTAMP ? "time" : SCALARS[type]?.[0];
  if (scalar !== undefined && field.label === "LABEL_REPEATED") throw new Error(`${name} is a list of ${scalar}`);
  return scalar === undefined ? `() => ${singleType(field)}` : `"${scalar}"`;
}

function typescriptType(field: FieldDescriptor, message: MessageDescriptor): string {
  if (mapValueOf(field, message) !== undefined) return "{ [key: string]: string }";
  const single = singleType(field);
  if (field.label === "LABEL_REPEATED") return `${single}[]`;
  return field.type === "TYPE_MESSAGE" || field.proto3Optional === true ? `${single} | undefined` : single;
}

function singleType({ name, type, typeName = "" }: FieldDescriptor): string {
  const scalar = typeName === TIMESTAMP ? "string" : SCALARS[type]?.[1];
  if (scalar !== undefined) return scalar;
  if (typeName === "" || typeName.startsWith(".google.")) throw new Error(`${name} is of ${type} ${typeName}`);
  return localName(typeName);
}

function comment(text: string, indent = ""): string {
  return text && `${indent}/** ${text.replaceAll("\n", `\n${indent} * `)} */\n`;
}
