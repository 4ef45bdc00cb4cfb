/** The OpenAPI 3.1 document of the API. */
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { STATUS_OF_CODE } from "../../packages/twirp/src/codes.ts";
import { type Api, commentOn, type Operation, type Refusal } from "./api.ts";

/** A JSON Schema of draft 2020-12, as far as it is used here. */
export interface Schema {
  readonly [keyword: string]: unknown;
  readonly description?: string;
}

/** Requests accept more forms of JSON than replies contain, so a message is described as one or the other. */
type Side = "request" | "reply";

const TIMESTAMP: Schema = { type: "string", format: "date-time" };

/** int64 as the service writes it. The format gives the range. */
const INT64 = { format: "int64", pattern: "^(0|-?[1-9][0-9]{0,18})$" };

const SCALARS: Readonly<Partial<Record<ScalarType, Readonly<Record<Side, Schema>>>>> = {
  [ScalarType.STRING]: onBothSides({ type: "string" }),
  [ScalarType.BOOL]: onBothSides({ type: "boolean" }),
  [ScalarType.INT32]: onBothSides({ type: "integer", format: "int32" }),
  [ScalarType.INT64]: { request: { type: ["string", "integer"], ...INT64 }, reply: { type: "string", ...INT64 } },
};

function onBothSides(schema: Schema): Readonly<Record<Side, Schema>> {
  return { request: schema, reply: schema };
}

/**
 * The messages and enums of the API, by name.
 *
 * @throws Error for a type of field that the API has not used so far: add its JSON here.
 */
export function schemasOf({ files, operations }: Api): ReadonlyMap<string, Schema> {
  const sides = sidesOf(operations);
  return new Map(
    files.flatMap(({ messages, enums }) => [
      ...messages.map((message) => [message.name, messageSchema(message, sides.get(message))] as const),
      ...enums.map((type) => [type.name, enumSchema(type)] as const),
    ]),
  );
}

/** Which messages are in requests and which in replies. */
function sidesOf(operations: readonly Operation[]): ReadonlyMap<DescMessage, Side> {
  const sides = new Map<DescMessage, Side>();
  const visit = (message: DescMessage | undefined, side: Side) => {
    if (message === undefined || sides.get(message) === side) return;
    if (sides.has(message))
      throw new Error(`${message} is in requests and in replies, which are described differently`);
    sides.set(message, side);
    for (const field of message.fields) if (!isTimestamp(field)) visit(field.message, side);
  };
  for (const { method } of operations) {
    visit(method.input, "request");
    visit(method.output, "reply");
  }
  return sides;
}

function isTimestamp({ message }: DescField): boolean {
  return message?.typeName === "google.protobuf.Timestamp";
}

function messageSchema(message: DescMessage, side: Side | undefined): Schema {
  if (side === undefined) throw new Error(`${message} is in no request and in no reply`);
  const description = commentOn(message);
  const required = message.fields.filter((field) => isRequired(field, side)).map(({ name }) => name);
  const properties = message.fields.map((field) => {
    const about = commentOn(field);
    return [field.name, { ...fieldSchema(field, side), ...(about && { description: about }) }] as const;
  });
  return {
    type: "object",
    ...(description && { description }),
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(properties),
    ...exclusions(message),
  };
}

/** Required in a request if its comment says so; in a reply, everything but the members of a oneof. */
function isRequired(field: DescField, side: Side): boolean {
  return side === "request" ? /^Required\b/.test(commentOn(field)) : !isInOneof(field);
}

/** A field that is `optional` is the only member of a oneof of its own. */
function isInOneof({ oneof, proto }: DescField): boolean {
  return oneof !== undefined || proto.proto3Optional;
}

/** At most one member of a oneof may be set. */
function exclusions({ oneofs }: DescMessage): Schema {
  const pairs = oneofs.flatMap(({ fields }) =>
    fields.flatMap(({ name }, index) => fields.slice(index + 1).map((other) => [name, other.name])),
  );
  return pairs.length === 0 ? {} : { allOf: pairs.map((pair) => ({ not: { required: pair } })) };
}

function fieldSchema(field: DescField, side: Side): Schema {
  const value = valueSchema(field, side);
  if (field.fieldKind === "map") return { type: "object", additionalProperties: value };
  if (field.fieldKind === "list") return { type: "array", items: value };
  return mayBeNull(field, side) ? { anyOf: [value, { type: "null" }] } : value;
}

/** A message that is not set is null. In a reply its comment says when. */
function mayBeNull(field: DescField, side: Side): boolean {
  if (field.fieldKind !== "message" || isInOneof(field)) return false;
  return side === "request" ? !isRequired(field, side) : /\babsent\b/.test(commentOn(field));
}

function valueSchema(field: DescField, side: Side): Schema {
  if (isTimestamp(field)) return TIMESTAMP;
  const scalar = field.scalar && SCALARS[field.scalar]?.[side];
  if (scalar) return scalar;
  const named = field.message ?? field.enum;
  if (named === undefined || named.typeName.startsWith("google.")) throw new Error(`OpenAPI can't describe ${field}`);
  return { $ref: `#/components/schemas/${named.name}` };
}

function enumSchema(type: DescEnum): Schema {
  const values = type.values.map((value) => {
    const about = commentOn(value);
    return `- \`${value.name}\`${about && `: ${about}`}`;
  });
  return {
    type: "string",
    enum: type.values.map(({ name }) => name),
    description: `${commentOn(type)}\n\n${values.join("\n")}`,
  };
}

export function openApiDocument(api: Api): object {
  const { description, operations } = api;
  const paths = operations.map((operation) => [operation.path, { post: postOf(operation) }]);
  return {
    openapi: "3.1.0",
    info: { title: "Finance service", version: "v1", description, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "http://localhost:9707", description: "npm start" }],
    security: [{ bearer: [] }],
    tags: [{ name: "FinanceService", description: "Accounts, and the money that moves between them." }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      headers: HEADERS,
      schemas: { ...Object.fromEntries(schemasOf(api)), TwirpError: twirpError },
    },
  };
}

const twirpError: Schema = {
  type: "object",
  description: "A refusal. Decide by code and meta; msg is for people.",
  required: ["code", "msg"],
  properties: {
    code: { type: "string", enum: Object.keys(STATUS_OF_CODE), description: "A Twirp error code." },
    msg: { type: "string" },
    meta: { type: "object", additionalProperties: { type: "string" } },
  },
};

/** The reply headers that a client acts on. */
const HEADERS = {
  "x-request-id": { description: "Finds the call in the log.", required: true, schema: { type: "string" } },
  "idempotent-replayed": {
    description: "`true` when an earlier request with the same key decided it, else absent.",
    schema: { type: "string", enum: ["true"] },
  },
  "retry-after": {
    description: "Seconds to wait before the call is tried again.",
    required: true,
    schema: { type: "string", pattern: "^[0-9]+$" },
  },
  "www-authenticate": {
    description: "`Bearer`, with `error` when a token was sent.",
    required: true,
    schema: { type: "string" },
  },
} as const;

const STATUSES_TO_RETRY: readonly number[] = [STATUS_OF_CODE.resource_exhausted, STATUS_OF_CODE.unavailable];

const keyParameter = {
  name: "Idempotency-Key",
  in: "header",
  description: "Means the same as the field idempotency_key.",
  schema: { type: "string", minLength: 1, maxLength: 64 },
};

function postOf({ method, description, refusals, key, example }: Operation): object {
  return {
    operationId: method.name,
    tags: ["FinanceService"],
    summary: description.split(/\. |\.$/m, 1)[0],
    description,
    ...(key === "request" && { parameters: [keyParameter] }),
    requestBody: { required: true, content: contentOf(method.input.name, { example: example.request }) },
    responses: {
      200: {
        description: method.output.name,
        headers: headersNamed(["x-request-id", ...(key ? (["idempotent-replayed"] as const) : [])]),
        content: contentOf(method.output.name),
      },
      ...Object.fromEntries(
        [...refusals].map(([status, refusal]) => [status, refusalOf(status, refusal, key !== undefined)]),
      ),
    },
  };
}

/** The schema also names the message of the protobuf body. */
function contentOf(name: string, more: object = {}): object {
  const schema = { $ref: `#/components/schemas/${name}` };
  return { "application/json": { schema, ...more }, "application/protobuf": { schema } };
}

/** An error is JSON even if the request was protobuf. */
function refusalOf(status: number, { codes, isDecision }: Refusal, hasKey: boolean): object {
  const names: (keyof typeof HEADERS)[] = ["x-request-id"];
  if (hasKey && isDecision) names.push("idempotent-replayed");
  if (STATUSES_TO_RETRY.includes(status)) names.push("retry-after");
  if (status === STATUS_OF_CODE.unauthenticated) names.push("www-authenticate");
  return {
    description: codes.map((code) => `\`${code}\``).join(" or "),
    headers: headersNamed(names),
    content: { "application/json": { schema: { $ref: "#/components/schemas/TwirpError" } } },
  };
}

function headersNamed(names: readonly (keyof typeof HEADERS)[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
