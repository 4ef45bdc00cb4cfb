/** A strict client on openapi-typescript's types compiles and gets the replies that they describe. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestService, type TestService } from "../setup/service.ts";

const run = promisify(execFile);

const CLIENT = "test/openapi/strict-client";
const TYPES = "node_modules/.cache/openapi-client/finance-openapi.d.ts";

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

test("a strict client on openapi-typescript's types compiles, and its replies match them", async () => {
  // Version 6, because version 7 needs TypeScript 5.
  await run("node_modules/.bin/openapi-typescript", ["generated/openapi.json", "--output", TYPES]);
  const compiled = await run("node_modules/.bin/tsc", ["--project", CLIENT, "--listFiles"]).catch((error) => error);
  expect(compiled.stdout).not.toContain("error TS");
  expect(compiled.stdout).toContain(`${CLIENT}/client.ts`);

  // Its types exist only now.
  const { tour } = await import(/* @vite-ignore */ new URL("strict-client/client.ts", import.meta.url).href);
  const seen = await tour(service.url, await service.token("root", "finance.admin"));
  expect(seen).toMatchObject({
    from: { id: "1", status: "ACCOUNT_STATUS_OPEN", minor_unit_digits: 2, metadata: {} },
    moved: { id: "1", amount: "1250", state: "TRANSFER_STATE_POSTED", idempotency_key: "order-77" },
    isReplayed: true,
    outcomes: ["TRANSFER_STATE_POSTED", "invalid_argument", "TRANSFER_STATE_PENDING"],
    sequences: ["1", "2"],
    settledAt: null,
    refusal: "not_found",
  });
  expect(seen.createdAt.map(Date.parse)).not.toContain(Number.NaN);
  expect(seen.createdAt).toHaveLength(3);
  expect(seen.requestIds).not.toContain(null);
});
