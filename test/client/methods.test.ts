import { expect, test } from "vitest";
import * as fields from "../../generated/client/fields.ts";
import * as methods from "../../generated/client/methods.ts";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { createFinanceClient } from "../../packages/client/src/index.ts";

function tableNamed(typeName: string): unknown {
  return Reflect.get(fields, typeName.replace("finance.v1.", ""));
}

test("there is exactly one method for each RPC, and the feed of events", () => {
  const names = FinanceService.methods.map(({ name }) => `${name.charAt(0).toLowerCase()}${name.slice(1)}`);
  expect(Object.keys(methods).sort()).toEqual(names.sort());
  const finance = createFinanceClient({ baseUrl: "http://localhost" });
  expect(Object.keys(finance).sort()).toEqual([...names, "events"].sort());
});

test.each(Object.values(methods))(
  "$name has the tables of the messages of the service",
  ({ name, request, response }) => {
    const rpc = FinanceService.methods.find((method) => method.name === name);
    expect(request).toBe(tableNamed(rpc?.I.typeName ?? ""));
    expect(response).toBe(tableNamed(rpc?.O.typeName ?? ""));
  },
);

test.each(Object.values(methods))("$name is a read if its name starts with Get or List", ({ name, isRead }) => {
  expect(isRead).toBe(/^(Get|List)[A-Z]/.test(name));
});

test.each(Object.values(methods))("$name fills in keys if its request or a member takes them", (method) => {
  const { I } = FinanceService.methods.find(({ name }) => name === method.name) ?? {};
  const parts = I?.fields.flatMap((field) => (field.kind === "message" ? field.T().fields : []));
  const takesKeys = [...(I?.fields ?? []), ...(parts ?? [])].some(({ name }) => name === "idempotency_key");
  expect("fillKeys" in method).toBe(takesKeys);
});

test.each(Object.values(methods))("$name has items if it answers page by page", (method) => {
  const { O } = FinanceService.methods.find(({ name }) => name === method.name) ?? {};
  const isPaged = O?.fields.some(({ name }) => name === "next_page_token");
  expect("itemsOf" in method).toBe(isPaged);
});
