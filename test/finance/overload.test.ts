import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { findingsOf, fundsOf, lockAccount, openAccount, openFunded, untilWaitingForLock } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

/** What one caller may have in the posting queue, of which one call's batch takes a thousand. */
const WAITING_MAX = 16_384;
const BATCH = 1000;
/** Three times what may wait. */
const CALLS = Math.ceil((3 * WAITING_MAX) / BATCH);
/** One batch in flight and as many as the queue takes. */
const SERVED = 1 + Math.floor(WAITING_MAX / BATCH);

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

test("of three times what may wait the rest is refused while the database stands still, and uses no key", async () => {
  const from = await openFunded(service, "alice", CALLS * BATCH);
  const to = await openAccount(service, "bob");
  const move = JSON.stringify({ debit_account_id: from, credit_account_id: to, amount: 1 });
  const others = `,${move}`.repeat(BATCH - 1);
  const wallet = await openFunded(service, "carol", 5);
  const other = await openAccount(service, "dave");
  const call = (index: number) => {
    const keyed = JSON.stringify({ ...JSON.parse(move), idempotency_key: `call-${index}` });
    return service.call("BatchCreateTransfers", `{"transfers":[${keyed}${others}]}`);
  };

  const lock = await lockAccount(service.pool, from);
  const refused: { index: number; reply: Reply }[] = [];
  const first = call(0);
  await untilWaitingForLock(service.pool, 1);
  let answered = 0;
  const calls = Array.from({ length: CALLS - 1 }, async (_, position) => {
    const index = position + 1;
    const reply = await call(index);
    if (reply.status === 200) answered += 1;
    else refused.push({ index, reply });
    return reply;
  });
  // The lock is still held: a refusal waits for nothing.
  await vi.waitFor(() => expect(refused).toHaveLength(CALLS - SERVED), { timeout: 8000, interval: 5 });
  for (const { reply } of refused) {
    expect(reply.status).toBe(429);
    expect(reply.body).toMatchObject({ code: "resource_exhausted", meta: { retry_after_ms: "250" } });
    expect(reply.headers.get("retry-after")).toBe("1");
  }
  // Another caller has room, and is served before what is left of the first one's.
  const payment = { debit_account_id: wallet, credit_account_id: other, amount: 1 };
  const paying = service.call("CreateTransfer", payment, await service.token("carol"));
  await vi.waitFor(() => expect(service.ledger.queue.length % BATCH).toBe(1), { timeout: 8000, interval: 5 });
  await lock.release();
  expect((await paying).status).toBe(200);
  expect(answered).toBeLessThan(SERVED / 2);

  const replies = await Promise.all([first, ...calls]);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(SERVED);
  expect(await fundsOf(service, to)).toBe(`${SERVED * BATCH}/${SERVED * BATCH}`);

  const [again] = refused;
  const retried = await call(again?.index ?? 0);
  expect(retried.body.results).toHaveLength(BATCH);
  expect(retried.body.results[0].transfer).toMatchObject({ amount: "1", idempotency_key: `call-${again?.index}` });
  expect(await fundsOf(service, to)).toBe(`${(SERVED + 1) * BATCH}/${(SERVED + 1) * BATCH}`);
  expect(await findingsOf(service.pool)).toEqual([]);
});
