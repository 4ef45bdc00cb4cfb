import { type Example, examples } from "./examples.ts";
import {
  commentAt,
  type EnumDescriptor,
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
  /** Twirp codes that it may refuse with, by HTTP status. */
  readonly codes: ReadonlyMap<number, readonly string[]>;
  readonly example: Example;
}

/** An API, read from its image. */
export interface Api {
  readonly description: string;
  readonly operations: readonly Operation[];
  /** By the name that messages and enums have within their package. */
  readonly schemas: ReadonlyMap<string, Schema>;
}

/** https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  canceled: 408,
  invalid_argument: 400,
  malformed: 400,
  deadline_exceeded: 408,
  not_found: 404,
  bad_route: 404,
  already_exists: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  failed_precondition: 412,
  aborted: 409,
  out_of_range: 400,
  internal: 500,
  unavailable: 503,
};

/** What the adapter itself says of a call that reaches no method, or takes too long in it. */
const ADAPTER_CODES = ["malformed", "bad_route", "deadline_exceeded"];

const MESSAGES_IN_JSON: Readonly<Record<string, Schema>> = {
  ".google.protobuf.Timestamp": { type: ["string", "null"], format: "date-time" },
};

const SCALARS: Readonly<Record<string, Schema>> = {
  TYPE_STRING: { type: "string" },
  TYPE_BOOL: { type: "boolean" },
  TYPE_INT32: { type: "integer", format: "int32" },
  TYPE_INT64: { type: "string", format: "int64", pattern: "^-?[0-9]{1,19}$" },
};

/** @throws Error for what the API had not so far, as another scalar: say here how it is written in JSON. */
export function describeApi(image: Image): Api {
  const files = image.file.filter((file) => file.package !== "google.protobuf");
  const [home] = files.filter((file) => file.service !== undefined);
  const [service] = home?.service ?? [];
  if (home === undefined || service === undefined) throw new Error("there is no service");
  const general = commentAt(home, PART.service, 0);
  const path = `/twirp/${home.package}.${service.name}`;
  return {
    description: `${commentAt(home, PART.syntaxPackage)}\n\n${general}`,
    operations: service.method.map((method, index) =>
      operationOf(method, path, commentAt(home, PART.service, 0, PART.member, index), general),
    ),
    schemas: new Map(files.flatMap((file) => [...messageSchemas(file), ...enumSchemas(file)])),
  };
}

function operationOf(method: MethodDescriptor, path: string, description: string, general: string): Operation {
  const example = examples.find((candidate) => candidate.method === method.name);
  if (example === undefined) throw new Error(`${method.name} has no example`);
  const codes = new Map<number, string[]>();
  for (const [code, status] of Object.entries(STATUS_OF_CODE)) {
    const isMentioned = new RegExp(`\\b${code}\\b`).test(`${general} ${description}`) || ADAPTER_CODES.includes(code);
    if (isMentioned) codes.set(status, [...(codes.get(status) ?? []), code]);
  }
  return {
    name: method.name,
    path: `${path}/${method.name}`,
    description,
    request: localName(method.inputType),
    response: localName(method.outputType),
    codes,
    example,
  };
}

function* messageSchemas(file: FileDescriptor): Iterable<[string, Schema]> {
  for (const [index, message] of (file.messageType ?? []).entries()) {
    const properties = (message.field ?? []).map((field, position): [string, Schema] => {
      const description = commentAt(file, PART.message, index, PART.member, position);
      return [field.name, { ...fieldSchema(field, message), ...(description && { description }) }];
    });
    const description = commentAt(file, PART.message, index);
    yield [
      message.name,
      {
        type: "object",
        ...(description && { description }),
        properties: Object.fromEntries(properties),
        // Members of a oneof exclude each other; a field that is `optional` is the only one in its own.
        ...exclusions(message),
      },
    ];
  }
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

function fieldSchema(field: FieldDescriptor, message: MessageDescriptor): Schema {
  const value = mapValueOf(field, message);
  if (value !== undefined) return { type: "object", additionalProperties: singleSchema(value) };
  const single = singleSchema(field);
  return field.label === "LABEL_REPEATED" ? { type: "array", items: single } : single;
}

function singleSchema({ name, type, typeName = "" }: FieldDescriptor): Schema {
  const schema = MESSAGES_IN_JSON[typeName] ?? SCALARS[type];
  if (schema !== undefined) return schema;
  if (typeName === "" || typeName.startsWith(".google.")) throw new Error(`${name} is of ${type} ${typeName}`);
  return { $ref: `#/components/schemas/${localName(typeName)}` };
}

function* enumSchemas(file: FileDescriptor): Iterable<[string, Schema]> {
  for (const [index, type] of (file.enumType ?? []).entries()) {
    const about = commentAt(file, PART.enum, index);
    yield [
      type.name,
      { type: "string", enum: type.value.map(({ name }) => name), description: about + valuesOf(file, index, type) },
    ];
  }
}

function valuesOf(file: FileDescriptor, index: number, type: EnumDescriptor): string {
  const lines = type.value.map(({ name }, position) => {
    const about = commentAt(file, PART.enum, index, PART.member, position);
    return about && `\n- \`${name}\`: ${about}`;
  });
  const list = lines.join("");
  return list && `\n${list}`;
}

/** The OpenAPI 3.1 document of an API. */
export function openApiDocument({ description, operations, schemas }: Api): object {
  const paths = operations.map((operation) => [operation.path, { post: postOf(operation) }]);
  return {
    openapi: "3.1.0",
    info: { title: "Finance service", version: "v1", description, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "http://localhost:9707", description: "npm start" }],
    security: [{ bearer: [] }],
    tags: [{ name: "FinanceService" }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      schemas: { ...Object.fromEntries(schemas), TwirpError: twirpError },
    },
  };
}

const twirpError: Schema = {
  type: "object",
  description: "A refusal. Decide by code and meta; msg is for people.",
  required: ["code", "msg"],
  properties: {
    code: { type: "string", description: "A Twirp error code." },
    msg: { type: "string" },
    meta: { type: "object", additionalProperties: { type: "string" } },
  },
};

const requestId = { "x-request-id": { description: "Finds the call in the log.", schema: { type: "string" } } };

function postOf({ name, description, request, response, codes, example }: Operation): object {
  const refusals = [...codes]
    .sort(([a], [b]) => a - b)
    .map(([status, names]) => [
      status,
      {
        description: names.map((code) => `\`${code}\``).join(" or "),
        headers: requestId,
        content: { "application/json": { schema: { $ref: "#/components/schemas/TwirpError" } } },
      },
    ]);
  return {
    operationId: name,
    tags: ["FinanceService"],
    summary: description.split(/\. |\.$/m, 1)[0],
    description,
    requestBody: {
      required: true,
      content: {
        "application/json": { schema: { $ref: `#/components/schemas/${request}` }, example: example.request },
      },
    },
    responses: {
      200: {
        description: response,
        headers: requestId,
        content: { "application/json": { schema: { $ref: `#/components/schemas/${response}` } } },
      },
      ...Object.fromEntries(refusals),
    },
  };
}
