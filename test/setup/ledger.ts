import { expect } from "vitest";
import type { Reply, TestService } from "./service.ts";

/** Opens a wallet (LIABILITY, USD) for `owner`, as an admin; `change` overrides its request. */
export async function openAccount(service: TestService, owner: string, change: object = {}): Promise<string> {
  const request = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", owner, ...change };
  const { status, body } = await service.call("CreateAccount", request);
  expect(status).toBe(200);
  return body.id;
}

/** Opens a wallet that holds `amount`, from an account without a floor. */
export async function openFunded(
  service: TestService,
  owner: string,
  amount: bigint | number,
  change: object = {},
): Promise<string> {
  const source = await openAccount(service, "bank", { unlimited_overdraft: true, ...change });
  const id = await openAccount(service, owner, change);
  const transfer = { debit_account_id: source, credit_account_id: id, amount: `${amount}` };
  expect((await service.call("CreateTransfer", transfer)).status).toBe(200);
  return id;
}

/** An account's balance and what of it is available, as "100/40". */
export async function fundsOf(service: TestService, id: string): Promise<string> {
  const { body } = await service.call("GetAccount", { id });
  return `${body.balance}/${body.available_balance}`;
}

/** "200", or the refusal's reason, or its code where it has none. */
export function verdictOf({ status, body }: Pick<Reply, "status" | "body">): string {
  return status === 200 ? "200" : (body.meta?.reason ?? body.code);
}
