import type { Api, Operation } from "./api.ts";
import { type Schema, schemasOf } from "./openapi.ts";

/** The reference page in Markdown. */
export function referencePage(api: Api): string {
  const schemas = schemasOf(api);
  return `<!-- Made by \`npm run generate\` from proto/ and tools/generate/examples.ts. -->

# API reference

${api.description}

The same as OpenAPI 3.1: [generated/openapi.json](../generated/openapi.json). The test suite runs the examples in this order
on an empty ledger. Replies have more fields than the examples show.

${api.operations.map(({ method }) => linkTo(method.name)).join(" ")}

${api.operations.map((operation) => sectionOf(operation, schemas.get(operation.method.input.name))).join("\n")}
## Messages

${[...schemas].map(([name, schema]) => messageOf(name, schema)).join("\n")}`;
}

function sectionOf({ method, path, description, refusals, example }: Operation, request: Schema | undefined): string {
  const refused = [...refusals].map(([status, { codes }]) => `${status} ${codes.map(code).join(", ")}`);
  return `## ${method.name}

${description}

\`POST ${path}\` with ${linkTo(method.input.name)} answers ${linkTo(method.output.name)}, or ${refused.join("; ")}.

${fieldTable(request)}
\`\`\`json
${JSON.stringify(example.request, null, 2)}
\`\`\`

\`\`\`json
${JSON.stringify(example.reply, null, 2)}
\`\`\`
`;
}

function messageOf(name: string, schema: Schema): string {
  return `### ${name}\n\n${schema.description ? `${schema.description}\n\n` : ""}${fieldTable(schema)}`;
}

function fieldTable(schema: Schema | undefined): string {
  const fields = Object.entries(propertiesOf(schema));
  if (fields.length === 0) return "";
  const rows = fields.map(([name, field]) => `| \`${name}\` | ${typeOf(field)} | ${field.description ?? ""} |`);
  return `| field | type | |\n|---|---|---|\n${rows.join("\n")}\n`;
}

function propertiesOf(schema: Schema | undefined): Readonly<Record<string, Schema>> {
  return (schema?.["properties"] ?? {}) as Readonly<Record<string, Schema>>;
}

function typeOf(schema: Schema): string {
  const { $ref, items, additionalProperties, anyOf, format, type } = schema;
  if (typeof $ref === "string") return linkTo($ref.slice($ref.lastIndexOf("/") + 1));
  // Or null.
  if (Array.isArray(anyOf)) return typeOf(anyOf[0]);
  if (items) return `list of ${typeOf(items as Schema)}`;
  if (additionalProperties) return "map of string to string";
  return String(format ?? type);
}

function linkTo(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

function code(text: string): string {
  return `\`${text}\``;
}
