import { afterEach, beforeEach, expect, test } from "vitest";
import { findingsOf, fundsOf, openAccount, openFunded, postingToMove } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let from: string;
let to: string;

beforeEach(async () => {
  service = await startTestService();
  from = await openFunded(service, "alice", 100);
  to = await openAccount(service, "bob");
  // What no one has foreseen: the database refuses one row, and with it the whole transaction.
  await service.pool.query(`
    create function refuse_poison() returns trigger language plpgsql as $$
    begin
      if new.description = 'poison' then raise exception 'swallowed poison' using errcode = 'data_exception'; end if;
      return new;
    end
    $$;
    create trigger poison before insert on transfer for each row execute function refuse_poison()`);
});
afterEach(() => service.close());

/** Posts one group for each description at once, all in one batch, and tells how each ended. */
async function postTogether(descriptions: readonly string[]): Promise<string[]> {
  const { queue } = service.ledger;
  // While this one is in flight, the others are queued.
  const first = queue.post(postingToMove(from, to, "first"));
  const gathered = descriptions.map((description) => queue.post(postingToMove(from, to, description)));
  await first;
  const settled = await Promise.allSettled(gathered);
  return settled.map((each) => (each.status === "fulfilled" ? "posted" : String(each.reason.message)));
}

test.each([
  ["in the middle", ["good", "poison", "good"]],
  ["at the start", ["poison", "good", "good", "good"]],
  ["at the end", ["good", "good", "good", "good", "poison"]],
  ["twice", ["good", "poison", "good", "good", "good", "good", "poison", "good", "good"]],
  ["alone", ["poison"]],
])("a poisonous request %s of a batch fails alone, and the others are posted", async (_, descriptions) => {
  const outcomes = descriptions.map((description) => (description === "good" ? "posted" : "swallowed poison"));
  expect(await postTogether(descriptions)).toEqual(outcomes);
  const posted = 1 + descriptions.filter((description) => description === "good").length;
  expect(await fundsOf(service, to)).toBe(`${posted}/${posted}`);
  expect(await findingsOf(service.pool)).toEqual([]);
});

test("the caller of a poisonous request gets an id; the log has the cause under that id", async () => {
  const request = { debit_account_id: from, credit_account_id: to, amount: 5, description: "poison" };
  const { status, body } = await service.call("CreateTransfer", request);
  expect(status).toBe(500);
  expect(body).toEqual({ code: "internal", msg: "internal error", meta: { request_id: expect.any(String) } });
  const lines = service.log.filter((line) => JSON.stringify(line).includes("swallowed poison"));
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).toContain(body.meta.request_id);
});

test("a poisonous request uses no key: it is posted after the fault is fixed", async () => {
  const request = {
    debit_account_id: from,
    credit_account_id: to,
    amount: 5,
    description: "poison",
    idempotency_key: "fixed",
  };
  expect((await service.call("CreateTransfer", request)).status).toBe(500);
  await service.pool.query("drop trigger poison on transfer");
  const fixed = await service.call("CreateTransfer", request);
  expect(fixed.status).toBe(200);
  expect(fixed.headers.get("idempotent-replayed")).toBeNull();
  expect((await service.call("CreateTransfer", request)).body).toEqual(fixed.body);
  expect(await fundsOf(service, to)).toBe("5/5");
});
