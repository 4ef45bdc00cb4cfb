/** The client's part of the generated code: a value for each method, tables of fields, and the list of exported types. */
import { type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type Api, commentOn, type Operation } from "./api.ts";

const EDIT_NOTE = "// Generated from proto/ by `npm run generate`. Do not edit.\n";

const SCALARS: Readonly<Partial<Record<ScalarType, string>>> = {
  [ScalarType.STRING]: "string",
  [ScalarType.BOOL]: "bool",
  [ScalarType.INT32]: "int32",
  [ScalarType.INT64]: "int64",
};

const TIMESTAMP = "google.protobuf.Timestamp";

/**
 * For each message, the number and type of each field. The client encodes and decodes by these tables.
 *
 * @throws Error for a type of field that the API has not used so far: add its encoding here and in the client.
 */
export function clientFields({ files }: Api): string {
  const imports = [
    'import type { FieldsOf, MessageType } from "../../packages/client/src/message.ts";\n',
    ...withMessages(files).map((file) => `import * as ${moduleOf(file)} from "./${file.name}.js";\n`),
  ];
  const tables = files.flatMap(({ messages }) => messages.map(tableOf));
  return [EDIT_NOTE, ...imports, ...tables].join("");
}

function withMessages(files: readonly DescFile[]): readonly DescFile[] {
  return files.filter(({ messages }) => messages.length > 0);
}

/** "account" for finance/v1/account. */
function moduleOf({ name }: DescFile): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function tableOf(message: DescMessage): string {
  const type = `${moduleOf(message.file)}.${message.name}`;
  const rows = message.fields.map((field) => `    ${field.localName}: [${rowOf(field).join(", ")}],\n`);
  const members = `  name: "${message.name}",\n  fields: {\n${rows.join("")}  } satisfies FieldsOf<${type}>,\n`;
  return `\nexport const ${message.name}: MessageType<${type}> = {\n${members}};\n`;
}

function rowOf(field: DescField): readonly (number | string)[] {
  const { number, fieldKind, oneof, proto } = field;
  if (fieldKind === "map") {
    if (field.scalar !== ScalarType.STRING) throw new Error(`${field} is not a map of strings`);
    return [number, '"string"', '"map"'];
  }
  if (fieldKind === "list") {
    if (field.listKind === "scalar") throw new Error(`${field} is a list of scalars`);
    return [number, encodingOf(field), '"list"'];
  }
  const encoding = encodingOf(field);
  if (proto.proto3Optional) return [number, encoding, '"optional"'];
  return oneof ? [number, encoding, `{ oneof: "${oneof.localName}" }`] : [number, encoding];
}

function encodingOf(field: DescField): string {
  if (field.enum) return `() => ${moduleOf(field.enum.file)}.${field.enum.name}`;
  if (field.message?.typeName === TIMESTAMP && field.fieldKind === "message") return '"time"';
  const scalar = field.scalar && SCALARS[field.scalar];
  if (scalar) return `"${scalar}"`;
  if (!field.message || field.message.typeName.startsWith("google."))
    throw new Error(`the client can't encode ${field}`);
  return `() => ${field.message.name}`;
}

/** Each RPC as a value of its own: a bundler keeps only the tables of those that an application uses. */
export function clientMethods({ files, operations }: Api): string {
  const used = new Set(operations.flatMap((operation) => typesOf(operation)));
  const imports = withMessages(files).flatMap(({ name, messages }) => {
    const names = messages.filter((message) => used.has(message)).map((message) => message.name);
    return names.length > 0 ? [`import type { ${names.join(", ")} } from "./${name}.js";\n`] : [];
  });
  return [
    EDIT_NOTE,
    'import { fillIdempotencyKeys } from "../../packages/client/src/call.ts";\n',
    'import type { Method, NeedsNoRequest } from "../../packages/client/src/method.ts";\n',
    'import { bindList, type ListMethod } from "../../packages/client/src/paging.ts";\n',
    'import * as fields from "./fields.js";\n',
    ...imports,
    ...operations.map(methodOf),
  ].join("");
}

/** All of them as one object. It is a file of its own, so that the client exports the methods by `export *`. */
export function clientEveryMethod({ operations }: Api): string {
  const names = operations.map(({ method }) => method.localName).join(", ");
  const imports = `import type * as methods from "./methods.js";\nimport { ${names} } from "./methods.js";\n`;
  return `${EDIT_NOTE}${imports}\nexport const everyMethod: typeof methods = { ${names} };\n`;
}

function typesOf(operation: Operation): readonly DescMessage[] {
  const { input, output } = operation.method;
  const item = itemsOf(operation)?.message;
  return item ? [input, output, item] : [input, output];
}

/** The items of a reply that is a page. */
function itemsOf({ method: { name, output } }: Operation): (DescField & { readonly message: DescMessage }) | undefined {
  if (!output.fields.some((field) => field.name === "next_page_token")) return undefined;
  for (const field of output.fields) if (field.fieldKind === "list" && field.listKind === "message") return field;
  throw new Error(`the pages of ${name} have no items`);
}

function methodOf(operation: Operation): string {
  const { method, description, key } = operation;
  const { name, localName, input, output } = method;
  const items = itemsOf(operation);
  // The methods of standard names, which change nothing: https://google.aip.dev/131 and https://google.aip.dev/132.
  const isRead = /^(Get|List)[A-Z]/.test(name);
  const needsNoRequest = isRead && !input.fields.some((field) => /^Required\b/.test(commentOn(field)));
  const type = items
    ? `ListMethod<${input.name}, ${output.name}, ${items.message.name}>`
    : `Method<${input.name}, ${output.name}>`;
  const members = [
    `name: "${name}"`,
    `request: fields.${input.name}`,
    `response: fields.${output.name}`,
    `isRead: ${isRead}`,
    ...(key ? ["fillKeys: fillIdempotencyKeys"] : []),
    ...(needsNoRequest ? ["needsNoRequest: true"] : []),
    ...(items ? [`itemsOf: (page) => page.${items.localName}`, "bind: bindList"] : []),
  ];
  const comment = isRead || key ? description : `${description}\n\nNever repeated: it takes no idempotency key.`;
  return `\n${docComment(comment)}export const ${localName}: ${type}${needsNoRequest ? " & NeedsNoRequest" : ""} = {
${members.map((member) => `  ${member},\n`).join("")}};\n`;
}

function docComment(text: string): string {
  const lines = text.split("\n").map((line) => (line ? ` * ${line}\n` : " *\n"));
  return `/**\n${lines.join("")} */\n`;
}

/** What the client's door exports of ts-proto's code: every message's interface, and every enum. */
export function clientTypes({ files }: Api): string {
  const lines = withMessages(files).map(({ name, messages, enums }) => {
    const types = messages.map((message) => `type ${message.name}`);
    return `export { ${[...enums.map((type) => type.name), ...types].join(", ")} } from "./${name}.js";\n`;
  });
  return [EDIT_NOTE, ...lines].join("");
}
