/** The OpenAPI document is valid, and the service keeps to it in every example of the reference. */
import { readFile } from "node:fs/promises";
import { validate } from "@readme/openapi-parser";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { examples } from "../../openapi/examples.ts";
import { startTestService, type TestService } from "../setup/service.ts";

interface Document {
  readonly paths: Readonly<
    Record<string, { readonly post: { readonly operationId: string; readonly responses: object } }>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
}

const document: Document = JSON.parse(await readFile("generated/openapi.json", "utf8"));

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Takes a component's schema at its word: a field that it does not have is a mistake. */
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

test.each(examples)("$method $request", async ({ method, request, reply }) => {
  const rpc = FinanceService.methods.find(({ name }) => name === method);
  const [takes, gives] = [rpc?.I.typeName, rpc?.O.typeName].map((name = "") =>
    schemaNamed(name.slice(name.lastIndexOf(".") + 1)),
  );
  takes?.(request);
  expect(takes?.errors ?? []).toEqual([]);
  const { status, body } = await service.call(method, request);
  expect(status).toBe(200);
  expect(body).toMatchObject(reply);
  gives?.(body);
  expect(gives?.errors ?? []).toEqual([]);
});

test.each<[method: string, request: object | string, token: string | undefined]>([
  ["CreateAccount", { name: "x", type: "ACCOUNT_TYPE_ASSET", currency: "XXX" }, undefined],
  ["GetAccount", { id: "999" }, undefined],
  ["GetAccount", { id: "1" }, "no token"],
  ["CaptureTransfer", { id: "5" }, undefined],
  ["CreateTransfer", { debit_account_id: "2", credit_account_id: "1", amount: "99999999" }, undefined],
  ["CreateTransfer", "{", undefined],
])("%s %o is refused as it says", async (method, request, token) => {
  const { status, body } = await service.call(method, request, token);
  const path = document.paths[`/twirp/${FinanceService.typeName}/${method}`];
  expect(Object.entries(path?.post.responses ?? {})).toContainEqual([
    `${status}`,
    expect.objectContaining({ description: expect.stringContaining(`\`${body.code}\``) }),
  ]);
  const refuses = schemaNamed("TwirpError");
  refuses(body);
  expect(refuses.errors ?? []).toEqual([]);
});
