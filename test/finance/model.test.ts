import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../../src/finance/audit.ts";
import { fundsOf, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";
import { Model, type ModelMove } from "./model.ts";

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

const ACCOUNTS = 4;
const account = fc.nat(ACCOUNTS - 1);
const move = fc
  .record({ debit: account, credit: account, amount: fc.bigInt({ min: 1n, max: 140n }), pending: fc.boolean() })
  .filter(({ debit, credit }) => debit !== credit);

type Step =
  | { kind: "move"; move: ModelMove; dryRun: boolean; key: number | undefined }
  | { kind: "batch"; moves: ModelMove[]; atomic: boolean }
  | { kind: "capture"; pick: number; amount: bigint }
  | { kind: "void"; pick: number }
  | { kind: "reverse"; pick: number }
  | { kind: "freeze"; account: number; frozen: boolean }
  | { kind: "limit"; account: number; limit: bigint };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("move" as const),
      move,
      dryRun: fc.boolean(),
      key: fc.option(fc.nat(3), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("batch" as const),
      moves: fc.array(move, { minLength: 1, maxLength: 5 }),
      atomic: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("capture" as const),
      pick: fc.nat(),
      amount: fc.bigInt({ min: 0n, max: 120n }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("void" as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("reverse" as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("freeze" as const), account, frozen: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("limit" as const), account, limit: fc.bigInt({ min: 0n, max: 100n }) }),
  },
);

/** A run of steps against the service and the model side by side. */
class Comparison {
  readonly #model = new Model();
  readonly #run: number;
  readonly #accountIds: string[] = [];
  /** The service's id of each transfer of the model. */
  readonly #transferIds: string[] = [];
  readonly #keys = new Map<string, { request: string; reply: Reply }>();

  constructor(run: number) {
    this.#run = run;
  }

  async open(): Promise<void> {
    for (let index = 0; index < ACCOUNTS; index += 1) {
      const debitNormal = index === ACCOUNTS - 1;
      const type = debitNormal ? "ACCOUNT_TYPE_ASSET" : "ACCOUNT_TYPE_LIABILITY";
      this.#model.open(debitNormal, 0n);
      if (debitNormal) this.#accountIds.push(await openAccount(service, "model", { type }));
      else {
        this.#accountIds.push(await openFunded(service, "model", 200));
        this.#model.account(index).credits = 200n;
      }
    }
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "move":
        return await this.#move(step);
      case "batch":
        return await this.#batch(step.moves, step.atomic);
      case "freeze": {
        const status = step.frozen ? "ACCOUNT_STATUS_FROZEN" : "ACCOUNT_STATUS_OPEN";
        await service.call("UpdateAccount", { id: this.#accountIds[step.account], status });
        this.#model.account(step.account).frozen = step.frozen;
        return;
      }
      case "limit": {
        const request = { id: this.#accountIds[step.account], overdraft_limit: `${step.limit}` };
        const fits = this.#model.available(step.account) >= -step.limit;
        expect(verdictOf(await service.call("UpdateAccount", request))).toBe(fits ? "200" : "insufficient_funds");
        if (fits) this.#model.account(step.account).limit = step.limit;
        return;
      }
      default:
        return await this.#settle(step);
    }
  }

  /** Every account's funds and every transfer's state. */
  async compareAll(): Promise<void> {
    for (const [index, id] of this.#accountIds.entries()) {
      expect(await fundsOf(service, id)).toBe(`${this.#model.balance(index)}/${this.#model.available(index)}`);
    }
    for (const [index, id] of this.#transferIds.entries()) {
      const { state, captured, reversed } = this.#model.transfer(index);
      const { body } = await service.call("GetTransfer", { id });
      expect(body).toMatchObject({ state: `TRANSFER_STATE_${state}`, captured_amount: `${captured}` });
      expect(body.reversed_by_transfer_id !== "0").toBe(reversed);
    }
  }

  async #move({ move, dryRun, key }: Step & { kind: "move" }): Promise<void> {
    const request = { ...this.#request(move), dry_run: dryRun };
    const idempotency_key = key === undefined ? "" : `model-${this.#run}-${key}`;
    const reply = await service.call("CreateTransfer", { ...request, idempotency_key });
    const earlier = dryRun ? undefined : this.#keys.get(idempotency_key);
    if (earlier !== undefined) {
      if (earlier.request === JSON.stringify(request)) expect(reply.body).toEqual(earlier.reply.body);
      else expect(verdictOf(reply)).toBe("idempotency_key_reused");
      return;
    }
    const accounts = structuredClone(this.#model.accounts);
    const refusal = this.#model.move(move);
    expect(verdictOf(reply)).toBe(refusal ?? "200");
    if (refusal === undefined) {
      expect(reply.body.debit_account_balance).toBe(`${this.#model.balance(move.debit)}`);
      expect(reply.body.credit_account_balance).toBe(`${this.#model.balance(move.credit)}`);
    }
    if (dryRun) {
      this.#model.accounts.splice(0, ACCOUNTS, ...accounts);
      if (refusal === undefined) this.#model.transfers.pop();
      return;
    }
    if (refusal === undefined) this.#transferIds.push(reply.body.id);
    if (key !== undefined) this.#keys.set(idempotency_key, { request: JSON.stringify(request), reply });
  }

  async #batch(moves: readonly ModelMove[], atomic: boolean): Promise<void> {
    const { body } = await service.call("BatchCreateTransfers", {
      transfers: moves.map((each) => this.#request(each)),
      atomic,
    });
    const verdicts: string[] = body.results.map(
      ({ error }: { error?: { code: string; meta: Record<string, string> } }) =>
        error?.meta["reason"] ?? error?.code ?? "200",
    );
    if (atomic) {
      const refusal = this.#model.atomic(moves);
      const culprits = verdicts.filter((verdict) => verdict !== "batch_refused");
      expect(culprits).toEqual(refusal === undefined ? moves.map(() => "200") : [refusal]);
    } else {
      expect(verdicts).toEqual(moves.map((each) => this.#model.move(each) ?? "200"));
    }
    for (const { transfer } of body.results) if (transfer !== undefined) this.#transferIds.push(transfer.id);
  }

  async #settle(step: Step & { kind: "capture" | "void" | "reverse" }): Promise<void> {
    if (this.#transferIds.length === 0) return;
    const index = step.pick % this.#transferIds.length;
    const id = this.#transferIds[index];
    if (step.kind === "capture") {
      const reply = await service.call("CaptureTransfer", { id, amount: `${step.amount}` });
      expect(verdictOf(reply)).toBe(this.#model.capture(index, step.amount) ?? "200");
    } else if (step.kind === "void") {
      expect(verdictOf(await service.call("VoidTransfer", { id }))).toBe(this.#model.cancel(index) ?? "200");
    } else {
      const reply = await service.call("ReverseTransfer", { id });
      expect(verdictOf(reply)).toBe(this.#model.reverse(index) ?? "200");
      if (reply.status === 200) this.#transferIds.push(reply.body.id);
    }
  }

  #request({ debit, credit, amount, pending }: ModelMove): object {
    const accounts = { debit_account_id: this.#accountIds[debit], credit_account_id: this.#accountIds[credit] };
    return { ...accounts, amount: `${amount}`, pending };
  }
}

test("random calls over HTTP agree with the model in every answer, and the auditor finds nothing afterwards", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      run += 1;
      const comparison = new Comparison(run);
      await comparison.open();
      for (const each of steps) await comparison.take(each);
      await comparison.compareAll();
    }),
    // On failure fast-check prints the seed and the smallest run that fails.
    { numRuns: 40 },
  );
  const client = await service.pool.connect();
  const findings: unknown[] = [];
  await audit(client, (finding) => findings.push(finding));
  client.release();
  expect(findings).toEqual([]);
}, 120_000);
