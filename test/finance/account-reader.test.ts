import { afterAll, beforeAll, expect, test } from "vitest";
import { accountId } from "../../src/finance/values.ts";
import { openAccount } from "../setup/ledger.ts";
import { readSeries } from "../setup/metrics.ts";
import { startTestService, type TestService } from "../setup/service.ts";

/** Of one caller. */
const WAITING_MAX = 8192;

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

test("with ten times the reads that fit the queue, the rest is refused at once and the others are answered", async () => {
  const id = accountId(BigInt(await openAccount(service, "alice")));
  const { accounts } = service.ledger;
  const outcomes = await Promise.allSettled(Array.from({ length: 10 * WAITING_MAX }, () => accounts.load(id, "alice")));
  const answered = outcomes.filter(({ status }) => status === "fulfilled");
  expect(answered).toHaveLength(WAITING_MAX);
  const refused = outcomes.find((outcome) => outcome.status === "rejected");
  expect(refused?.reason).toMatchObject({ refusal: { situation: "overloaded", meta: { retry_after_ms: "250" } } });
  expect(await readSeries(service.url, 'overload_refusals_total{reason="account_reads_full"}')).toBe(9 * WAITING_MAX);
  expect(accounts.length).toBe(0);
  expect(await accounts.load(id, "alice")).toMatchObject({ owner: "alice" });
});

test("a caller with a full share of the queue leaves room, and the next turn, to others", async () => {
  const id = accountId(BigInt(await openAccount(service, "alice")));
  const { accounts } = service.ledger;
  let answered = 0;
  const many = Array.from({ length: WAITING_MAX }, async () => {
    await accounts.load(id, "alice");
    answered += 1;
  });
  expect(await accounts.load(id, "bob")).toMatchObject({ owner: "alice" });
  expect(answered).toBeLessThan(WAITING_MAX / 2);
  await Promise.all(many);
});
