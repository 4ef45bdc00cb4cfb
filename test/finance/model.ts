/** A ledger of a few lines that only adds and subtracts, to compare the real one's every answer with. */

export interface ModelAccount {
  readonly debitNormal: boolean;
  debits: bigint;
  credits: bigint;
  heldDebits: bigint;
  heldCredits: bigint;
  limit: bigint;
  frozen: boolean;
}

export interface ModelTransfer {
  readonly debit: number;
  readonly credit: number;
  readonly amount: bigint;
  state: "POSTED" | "PENDING" | "CAPTURED" | "VOIDED";
  captured: bigint;
  reversed: boolean;
}

export interface ModelMove {
  readonly debit: number;
  readonly credit: number;
  readonly amount: bigint;
  readonly pending: boolean;
}

export class Model {
  readonly accounts: ModelAccount[] = [];
  readonly transfers: ModelTransfer[] = [];

  open(debitNormal: boolean, limit: bigint): void {
    this.accounts.push({ debitNormal, debits: 0n, credits: 0n, heldDebits: 0n, heldCredits: 0n, limit, frozen: false });
  }

  balance(index: number): bigint {
    const account = this.account(index);
    return account.debitNormal ? account.debits - account.credits : account.credits - account.debits;
  }

  available(index: number): bigint {
    const account = this.account(index);
    return this.balance(index) - (account.debitNormal ? account.heldCredits : account.heldDebits);
  }

  /** @returns the refusal's reason, or undefined once it is done. */
  move({ debit, credit, amount, pending }: ModelMove, floors = true): string | undefined {
    const [from, to] = [this.account(debit), this.account(credit)];
    if (from.frozen || to.frozen) return "account_not_open";
    const before = [this.available(debit), this.available(credit)];
    const sign = (by: bigint) => {
      if (pending) {
        from.heldDebits += by;
        to.heldCredits += by;
      } else {
        from.debits += by;
        to.credits += by;
      }
    };
    sign(amount);
    const broken = [debit, credit].some(
      (index, side) =>
        this.available(index) < (before[side] ?? 0n) && this.available(index) < -this.account(index).limit,
    );
    if (floors && broken) {
      sign(-amount);
      return "insufficient_funds";
    }
    this.transfers.push({
      debit,
      credit,
      amount,
      state: pending ? "PENDING" : "POSTED",
      captured: 0n,
      reversed: false,
    });
    return undefined;
  }

  capture(index: number, amount: bigint): string | undefined {
    const transfer = this.transfer(index);
    const [from, to] = [this.account(transfer.debit), this.account(transfer.credit)];
    if (transfer.state !== "PENDING") return "transfer_not_pending";
    if (from.frozen || to.frozen) return "account_not_open";
    const captured = amount === 0n ? transfer.amount : amount;
    if (captured > transfer.amount) return "invalid_argument";
    this.release(transfer, "CAPTURED");
    from.debits += captured;
    to.credits += captured;
    transfer.captured = captured;
    return undefined;
  }

  cancel(index: number): string | undefined {
    const transfer = this.transfer(index);
    if (transfer.state !== "PENDING") return "transfer_not_pending";
    this.release(transfer, "VOIDED");
    return undefined;
  }

  reverse(index: number): string | undefined {
    const transfer = this.transfer(index);
    if (transfer.reversed) return "already_reversed";
    if (transfer.state === "PENDING" || transfer.state === "VOIDED") return "transfer_not_posted";
    const amount = transfer.state === "CAPTURED" ? transfer.captured : transfer.amount;
    const refusal = this.move({ debit: transfer.credit, credit: transfer.debit, amount, pending: false });
    if (refusal === undefined) transfer.reversed = true;
    return refusal;
  }

  /** All or none, the floors at the end. */
  atomic(moves: readonly ModelMove[]): string | undefined {
    const accounts = structuredClone(this.accounts);
    const count = this.transfers.length;
    const before = this.accounts.map((_, index) => this.available(index));
    let refusal: string | undefined;
    for (const move of moves) refusal ??= this.move(move, false);
    const broken = before.some(
      (was, index) => this.available(index) < was && this.available(index) < -this.account(index).limit,
    );
    if (refusal === undefined && broken) refusal = "insufficient_funds";
    if (refusal !== undefined) {
      this.accounts.splice(0, Number.POSITIVE_INFINITY, ...accounts);
      this.transfers.length = count;
    }
    return refusal;
  }

  private release(transfer: ModelTransfer, state: ModelTransfer["state"]): void {
    this.account(transfer.debit).heldDebits -= transfer.amount;
    this.account(transfer.credit).heldCredits -= transfer.amount;
    transfer.state = state;
  }

  account(index: number): ModelAccount {
    const account = this.accounts[index];
    if (account === undefined) throw new Error(`the model has no account ${index}`);
    return account;
  }

  transfer(index: number): ModelTransfer {
    const transfer = this.transfers[index];
    if (transfer === undefined) throw new Error(`the model has no transfer ${index}`);
    return transfer;
  }
}
