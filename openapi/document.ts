import { STATUS_OF_CODE } from "../packages/twirp/src/codes.ts";
import { type Example, examples } from "./examples.ts";
import {
  commentAt,
  type FieldDescriptor,
  type FileDescriptor,
  type Image,
  localName,
  type MessageDescriptor,
  type MethodDescriptor,
  mapValueOf,
  PART,
} from "./image.ts";

/** A JSON Schema of draft 2020-12, as far as it is written here. */
export interface Schema {
  readonly [keyword: string]: unknown;
  readonly description?: string;
}

/** One RPC with everything that is said of it. */
export interface Operation {
  readonly name: string;
  readonly path: string;
  readonly description: string;
  readonly request: string;
  readonly response: string;
  /** By HTTP status. */
  readonly refusals: ReadonlyMap<number, Refusal>;
  /** Whether its outcome is kept under an idempotency key: of the request, or of its members. */
  readonly key: "request" | "members" | undefined;
  readonly example: Example;
}

export interface Refusal {
  /** Twirp codes. */
  readonly codes: readonly string[];
  /** Whether the method itself decides one of them, so that it may be remembered under a key. */
  readonly isDecision: boolean;
}

/** JSON is read more generously than it is written, so a message is described as one or the other. */
type Side = "request" | "reply";

/** An API, read from its image. */
export interface Api {
  readonly description: string;
  readonly operations: readonly Operation[];
  /** By the name that messages and enums have within their package. */
  readonly schemas: ReadonlyMap<string, Schema>;
}

/** What the adapter itself says of a call that reaches no method, or takes too long in it. */
const ADAPTER_CODES = ["malformed", "bad_route", "deadline_exceeded"];

const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  ".google.protobuf.Timestamp": { type: "string", format: "date-time" },
};

/** int64 as the service writes it. The format says the range. */
const INT64 = { format: "int64", pattern: "^(0|-?[1-9][0-9]{0,18})$" };

const SCALARS: Readonly<Record<string, Readonly<Record<Side, Schema>>>> = {
  TYPE_STRING: onBothSides({ type: "string" }),
  TYPE_BOOL: onBothSides({ type: "boolean" }),
  TYPE_INT32: onBothSides({ type: "integer", format: "int32" }),
  TYPE_INT64: { request: { type: ["string", "integer"], ...INT64 }, reply: { type: "string", ...INT64 } },
};

function onBothSides(schema: Schema): Readonly<Record<Side, Schema>> {
  return { request: schema, reply: schema };
}

/** @throws Error for what the API had not so far, as another scalar: say here how it is written in JSON. */
export function describeApi(image: Image): Api {
  const files = image.file.filter((file) => file.package !== "google.protobuf");
  const [home] = files.filter((file) => file.service !== undefined);
  const [service] = home?.service ?? [];
  if (home === undefined || service === undefined) throw new Error("there is no service");
  const general = commentAt(home, PART.service, 0);
  const path = `/twirp/${home.package}.${service.name}`;
  const messages = new Map(files.flatMap(({ messageType = [] }) => messageType.map((type) => [type.name, type])));
  const sides = sidesOf(service.method, messages);
  return {
    description: `${commentAt(home, PART.syntaxPackage)}\n\n${general}`,
    operations: service.method.map((method, index) =>
      operationOf(method, {
        path,
        description: commentAt(home, PART.service, 0, PART.member, index),
        general,
        key: keyOf(localName(method.inputType), messages),
      }),
    ),
    schemas: new Map(files.flatMap((file) => [...messageSchemas(file, sides), ...enumSchemas(file)])),
  };
}

/** Which messages are in requests and which in replies, by name. */
function sidesOf(
  methods: readonly MethodDescriptor[],
  messages: ReadonlyMap<string, MessageDescriptor>,
): ReadonlyMap<string, Side> {
  const sides = new Map<string, Side>();
  const visit = (name: string, side: Side) => {
    const message = messages.get(name);
    if (message === undefined || sides.get(name) === side) return;
    if (sides.has(name)) throw new Error(`${name} is in requests and in replies, which are described differently`);
    sides.set(name, side);
    for (const { typeName = "" } of message.field ?? []) visit(localName(typeName), side);
  };
  for (const { inputType, outputType } of methods) {
    visit(localName(inputType), "request");
    visit(localName(outputType), "reply");
  }
  return sides;
}

function keyOf(request: string, messages: ReadonlyMap<string, MessageDescriptor>): Operation["key"] {
  const fields = messages.get(request)?.field ?? [];
  if (fields.some(isKey)) return "request";
  const members = fields.flatMap(({ typeName = "" }) => messages.get(localName(typeName))?.field ?? []);
  return members.some(isKey) ? "members" : undefined;
}

function isKey({ name }: FieldDescriptor): boolean {
  return name === "idempotency_key";
}

function operationOf(
  method: MethodDescriptor,
  { path, description, general, key }: Pick<Operation, "path" | "description" | "key"> & { readonly general: string },
): Operation {
  const example = examples.find((candidate) => candidate.method === method.name);
  if (example === undefined) throw new Error(`${method.name} has no example`);
  const refusals = new Map<number, Refusal>();
  for (const [code, status] of Object.entries(STATUS_OF_CODE)) {
    const isDecision = mentions(description, code);
    if (!isDecision && !mentions(general, code) && !ADAPTER_CODES.includes(code)) continue;
    const others = refusals.get(status);
    refusals.set(status, {
      codes: [...(others?.codes ?? []), code],
      isDecision: isDecision || others?.isDecision === true,
    });
  }
  return {
    name: method.name,
    path: `${path}/${method.name}`,
    description,
    request: localName(method.inputType),
    response: localName(method.outputType),
    refusals: new Map([...refusals].sort(([a], [b]) => a - b)),
    key,
    example,
  };
}

function mentions(text: string, code: string): boolean {
  return new RegExp(`\\b${code}\\b`).test(text);
}

function* messageSchemas(file: FileDescriptor, sides: ReadonlyMap<string, Side>): Iterable<[string, Schema]> {
  for (const [index, message] of (file.messageType ?? []).entries()) {
    const side = sides.get(message.name);
    if (side === undefined) throw new Error(`${message.name} is in no request and in no reply`);
    const fields = (message.field ?? []).map((field, position) => ({
      field,
      description: commentAt(file, PART.message, index, PART.member, position),
    }));
    const description = commentAt(file, PART.message, index);
    const required = fields.filter((commented) => isRequired(commented, side)).map(({ field }) => field.name);
    yield [
      message.name,
      {
        type: "object",
        ...(description && { description }),
        ...(required.length > 0 && { required }),
        properties: Object.fromEntries(
          fields.map((commented): [string, Schema] => [
            commented.field.name,
            {
              ...fieldSchema(commented, message, side),
              ...(commented.description && { description: commented.description }),
            },
          ]),
        ),
        // Members of a oneof exclude each other; a field that is `optional` is the only one in its own.
        ...exclusions(message),
      },
    ];
  }
}

/** A field and the comment above it. */
interface CommentedField {
  readonly field: FieldDescriptor;
  readonly description: string;
}

/** A request must have what its comment says so of; the service writes every field but the unset members of a oneof. */
function isRequired({ field, description }: CommentedField, side: Side): boolean {
  return side === "request" ? /^Required\b/.test(description) : field.oneofIndex === undefined;
}

function exclusions(message: MessageDescriptor): Schema {
  const pairs = (message.oneofDecl ?? []).flatMap((_, oneof) => {
    const names = membersOf(message, oneof).map(({ name }) => name);
    return names.flatMap((name, index) => names.slice(index + 1).map((other) => [name, other]));
  });
  return pairs.length === 0 ? {} : { allOf: pairs.map((pair) => ({ not: { required: pair } })) };
}

function membersOf(message: MessageDescriptor, oneof: number): readonly FieldDescriptor[] {
  return (message.field ?? []).filter(({ oneofIndex, proto3Optional }) => oneofIndex === oneof && !proto3Optional);
}

function fieldSchema(commented: CommentedField, message: MessageDescriptor, side: Side): Schema {
  const { field } = commented;
  const value = mapValueOf(field, message);
  if (value !== undefined) return { type: "object", additionalProperties: singleSchema(value, side) };
  const single = singleSchema(field, side);
  if (field.label === "LABEL_REPEATED") return { type: "array", items: single };
  return mayBeNull(commented, side) ? { anyOf: [single, { type: "null" }] } : single;
}

/** A message that is not set is null; of one in a reply the comment says when that is so. */
function mayBeNull(commented: CommentedField, side: Side): boolean {
  const { field, description } = commented;
  if (field.type !== "TYPE_MESSAGE" || field.oneofIndex !== undefined) return false;
  return side === "request" ? !isRequired(commented, side) : /\babsent\b/.test(description);
}

function singleSchema({ name, type, typeName = "" }: FieldDescriptor, side: Side): Schema {
  const schema = WELL_KNOWN[typeName] ?? SCALARS[type]?.[side];
  if (schema !== undefined) return schema;
  if (typeName === "" || typeName.startsWith(".google.")) throw new Error(`${name} is of ${type} ${typeName}`);
  return { $ref: `#/components/schemas/${localName(typeName)}` };
}

function* enumSchemas(file: FileDescriptor): Iterable<[string, Schema]> {
  for (const [index, type] of (file.enumType ?? []).entries()) {
    const values = type.value.map(({ name }, position) => {
      const about = commentAt(file, PART.enum, index, PART.member, position);
      return `- \`${name}\`${about && `: ${about}`}`;
    });
    yield [
      type.name,
      {
        type: "string",
        enum: type.value.map(({ name }) => name),
        description: `${commentAt(file, PART.enum, index)}\n\n${values.join("\n")}`,
      },
    ];
  }
}

/** The OpenAPI 3.1 document of an API. */
export function openApiDocument({ description, operations, schemas }: Api): object {
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
      schemas: { ...Object.fromEntries(schemas), TwirpError: twirpError },
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

function postOf({ name, description, request, response, refusals, key, example }: Operation): object {
  return {
    operationId: name,
    tags: ["FinanceService"],
    summary: description.split(/\. |\.$/m, 1)[0],
    description,
    ...(key === "request" && { parameters: [keyParameter] }),
    requestBody: { required: true, content: contentOf(request, { example: example.request }) },
    responses: {
      200: {
        description: response,
        headers: headersNamed(["x-request-id", ...(key ? (["idempotent-replayed"] as const) : [])]),
        content: contentOf(response),
      },
      ...Object.fromEntries(
        [...refusals].map(([status, refusal]) => [status, refusalOf(status, refusal, key !== undefined)]),
      ),
    },
  };
}

/** In protobuf it is the message of the same name. */
function contentOf(name: string, more: object = {}): object {
  const schema = { $ref: `#/components/schemas/${name}` };
  return { "application/json": { schema, ...more }, "application/protobuf": { schema } };
}

/** An error is JSON, also when the request was protobuf. */
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
