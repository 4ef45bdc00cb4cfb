/** The OpenAPI document is valid, and the service matches it in every example of the reference. */
import { readFile } from "node:fs/promises";
import { runInNewContext } from "node:vm";
import { validate } from "@readme/openapi-parser";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GetAccountRequest } from "../../generated/server/finance/v1/account.ts";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { examples } from "../../tools/generate/examples.ts";
import { openFunded } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

interface Schema {
  readonly properties?: object;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
}

interface Response {
  readonly description: string;
  readonly headers: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content: object;
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly post: {
          readonly operationId: string;
          readonly requestBody: { readonly content: object };
          readonly responses: Readonly<Record<string, Response>>;
        };
      }
    >
  >;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly headers: Readonly<Record<string, { readonly required?: boolean }>>;
  };
}

const document: Document = JSON.parse(await readFile("generated/openapi.json", "utf8"));

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Validates by a component's schema, and refuses fields that it does not have. */
function schemaNamed(name: string): ValidateFunction {
  const schemas = Object.entries(document.components.schemas).map(([key, schema]) => [
    key,
    schema.properties ? { ...schema, additionalProperties: false } : schema,
  ]);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats(ajv);
  // int64 and int32 are formats of OpenAPI, not of JSON Schema.
  ajv.addFormat("int64", true).addFormat("int32", true);
  const components = { schemas: Object.fromEntries(schemas) };
  return ajv.compile({ $ref: `#/components/schemas/${name}`, components });
}

test("the document is valid OpenAPI", async () => {
  expect(await validate(structuredClone(document) as never)).toMatchObject({ valid: true });
});

test("it has every method of the service, at its path", () => {
  const paths = FinanceService.methods.map(({ name }) => `/twirp/${FinanceService.typeName}/${name}`);
  expect(Object.keys(document.paths)).toEqual(paths);
});

test("every method has an example", () => {
  expect(new Set(examples.map(({ method }) => method))).toEqual(
    new Set(FinanceService.methods.map(({ name }) => name)),
  );
});

/** The documented headers; all others belong to HTTP. */
const HEADERS = ["x-request-id", "idempotent-replayed", "retry-after", "www-authenticate"];

function responseOf(method: string, status: number): Response {
  const response = document.paths[`/twirp/${FinanceService.typeName}/${method}`]?.post.responses[status];
  if (response === undefined) throw new Error(`${method} has no ${status}`);
  return response;
}

/** Every header of the reply is documented, and every required one is present. */
function expectItsHeaders(method: string, { status, headers }: Reply): void {
  const described = Object.keys(responseOf(method, status).headers);
  const always = described.filter((name) => document.components.headers[name]?.required);
  const sent = HEADERS.filter((name) => headers.has(name));
  expect(described).toEqual(expect.arrayContaining(sent));
  expect(sent).toEqual(expect.arrayContaining(always));
}

function mistakesIn(validator: ValidateFunction, value: unknown): unknown[] {
  validator(value);
  return validator.errors ?? [];
}

/** The schemas of a method's request and reply. */
function schemasOf(method: string): { readonly takes: ValidateFunction; readonly gives: ValidateFunction } {
  const rpc = FinanceService.methods.find(({ name }) => name === method);
  if (rpc === undefined) throw new Error(`there is no ${method}`);
  const [takes, gives] = [rpc.I, rpc.O].map(({ typeName }) =>
    schemaNamed(typeName.slice(typeName.lastIndexOf(".") + 1)),
  );
  if (takes === undefined || gives === undefined) throw new Error("two types make two schemas");
  return { takes, gives };
}

test.each(examples)("$method $request", async ({ method, request, reply }) => {
  const { takes, gives } = schemasOf(method);
  expect(mistakesIn(takes, request)).toEqual([]);
  const answer = await service.call(method, request);
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject(reply);
  expect(mistakesIn(gives, answer.body)).toEqual([]);
  expectItsHeaders(method, answer);
});

test.each([
  ["a dry run", "CreateTransfer", { debit_account_id: 1, credit_account_id: 2, amount: 1, dry_run: true }],
  [
    "a refused member",
    "BatchCreateTransfers",
    { transfers: [{ debit_account_id: 1, credit_account_id: 1, amount: 1 }] },
  ],
  ["an account without entries", "GetBalance", { account_id: 3 }],
  ["an empty ledger", "GetTrialBalance", { as_of: "2000-01-01T00:00:00Z" }],
  ["an empty page", "ListTransfers", { account_id: 3 }],
])("the reply to %s has every field that it must have", async (_name, method, request) => {
  await service.call("CreateAccount", { name: "Empty", type: "ACCOUNT_TYPE_ASSET", currency: "USD" });
  const { takes, gives } = schemasOf(method);
  expect(mistakesIn(takes, request)).toEqual([]);
  const { status, body } = await service.call(method, request);
  expect(status).toBe(200);
  expect(mistakesIn(gives, body)).toEqual([]);
});

const firstExamples = FinanceService.methods.map(({ name, I }) => {
  const request = examples.find(({ method }) => method === name)?.request ?? {};
  const schema = document.components.schemas[I.typeName.slice(I.typeName.lastIndexOf(".") + 1)];
  return { method: name, request: new Map(Object.entries(request)), required: schema?.required ?? [] };
});

test.each(firstExamples)("$method needs what is required and nothing else", async ({ method, request, required }) => {
  const complete = required.map((field) => [field, request.get(field)] as const);
  const { body } = await service.call(method, Object.fromEntries(complete));
  expect(body.code).not.toBe("invalid_argument");
  for (const missing of required) {
    const rest = complete.filter(([field]) => field !== missing);
    const refused = await service.call(method, Object.fromEntries(rest));
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_argument", meta: { argument: missing } } });
  }
});

test.each<[id: unknown, isValid: boolean]>([
  [4, true],
  ["4", true],
  ["-9223372036854775808", true],
  ["0", true],
  ["-034", false],
  ["034", false],
  ["-0", false],
  ["+4", false],
  ["", false],
  ["4.0", false],
  [" 4", false],
  [4.5, false],
  [null, false],
  [true, false],
])("an int64 of a request may be %j: %s", (id, isValid) => {
  expect(schemaNamed("GetAccountRequest")({ id })).toBe(isValid);
});

test("a reply's int64 is a string", () => {
  const { gives } = schemasOf("GetBalance");
  const balance = {
    balance: "-5",
    as_of: "2026-01-01T00:00:00Z",
    sequence: "1",
    currency: "USD",
    minor_unit_digits: 2,
  };
  expect(mistakesIn(gives, balance)).toEqual([]);
  expect(mistakesIn(gives, { ...balance, balance: -5 })).toHaveLength(1);
});

test("requests and replies are JSON or protobuf, and errors are JSON", async () => {
  const { requestBody, responses } = document.paths[`/twirp/${FinanceService.typeName}/GetAccount`]?.post ?? {};
  expect(Object.keys(requestBody?.content ?? {})).toEqual(["application/json", "application/protobuf"]);
  const ask = async (id: bigint) => {
    const response = await fetch(`${service.url}/twirp/${FinanceService.typeName}/GetAccount`, {
      method: "POST",
      headers: {
        "content-type": "application/protobuf",
        authorization: `Bearer ${await service.token("root", "finance.admin")}`,
      },
      body: GetAccountRequest.toBinary({ id }),
    });
    return [response.status, response.headers.get("content-type")] as const;
  };
  for (const [status, type] of [await ask(1n), await ask(999n)]) {
    expect(Object.keys(responses?.[status]?.content ?? {})).toContain(type);
  }
  expect(Object.keys(responses?.[404]?.content ?? {})).toEqual(["application/json"]);
});

test("the reference names every member of every enum", async () => {
  const page = await readFile("docs/api.md", "utf8");
  const members = Object.values(document.components.schemas).flatMap((schema) => schema.enum ?? []);
  expect(members.length).toBeGreaterThan(15);
  expect(members.filter((member) => !page.includes(`\n- \`${member}\``))).toEqual([]);
});

/** The README's calls as [method, source of the request]. */
const README_CALLS = [
  ...(await readFile("README.md", "utf8")).matchAll(/\.FinanceService\/(\w+)(?:" *,| \\)[^{]*?(\{[^}]*\})/g),
].map(([, method = "", request = ""]) => [method, request] as const);

test("the README has example calls", () => {
  expect(README_CALLS.map(([method]) => method)).toEqual(["GetAccount", "CreateTransfer", "GetAccount"]);
});

test.each(README_CALLS)("the README's request of %s %s is valid", (method, source) => {
  expect(mistakesIn(schemasOf(method).takes, runInNewContext(`(${source})`))).toEqual([]);
});

test.each<[method: string, request: object | string, token: string | undefined]>([
  ["CreateAccount", { name: "x", type: "ACCOUNT_TYPE_ASSET", currency: "XXX" }, undefined],
  ["GetAccount", { id: "999" }, undefined],
  ["GetAccount", { id: "1" }, "no token"],
  ["CaptureTransfer", { id: "5" }, undefined],
  ["CreateTransfer", { debit_account_id: "2", credit_account_id: "1", amount: "99999999" }, undefined],
  ["CreateTransfer", "{", undefined],
])("%s %o is refused as it says", async (method, request, token) => {
  expectRefusal(method, await service.call(method, request, token));
});

function expectRefusal(method: string, reply: Reply): void {
  expect(responseOf(method, reply.status).description).toContain(`\`${reply.body.code}\``);
  expect(mistakesIn(schemaNamed("TwirpError"), reply.body)).toEqual([]);
  expectItsHeaders(method, reply);
}

test("every refusal has a documented code", () => {
  const mistakesOf = (code: string) => mistakesIn(schemaNamed("TwirpError"), { code, msg: "" });
  expect(mistakesOf("not_found")).toEqual([]);
  expect(mistakesOf("no_such_code")).not.toEqual([]);
});

test("replayed outcomes have the header for it, even refusals", async () => {
  const from = await openFunded(service, "carol", 100);
  const post = { debit_account_id: from, credit_account_id: "1", amount: "60" };
  const posted = { ...post, idempotency_key: "told-again" };
  const refused = { ...post, amount: "600", idempotency_key: "refused-again" };
  for (const [request, status] of [
    [posted, 200],
    [refused, 412],
  ] as const) {
    await service.call("CreateTransfer", request);
    const reply = await service.call("CreateTransfer", request);
    expect([reply.status, reply.headers.get("idempotent-replayed")]).toEqual([status, "true"]);
    expectItsHeaders("CreateTransfer", reply);
  }
});

test.each([
  [429, { RATE_LIMIT_PER_CALLER: "1" }, {}],
  [503, {}, { laneUrl: "postgres://postgres@127.0.0.1:1/nowhere" }],
])("a call that may be tried again is told when: %i", async (status, environment, options) => {
  const unwilling = await startTestService(environment, options);
  try {
    const ask = () => unwilling.call("GetAccount", { id: 1 });
    await ask();
    const reply = await ask();
    expect(reply.status).toBe(status);
    expectRefusal("GetAccount", reply);
  } finally {
    await unwilling.close();
  }
});
