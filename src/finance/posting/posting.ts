import type { Actor } from "../policy.ts";
import type { NewTransfer } from "../validation.ts";
import type { Minor, TransferId } from "../values.ts";
import type { Claim } from "./idempotency.ts";

/** What the ledger can be asked to do to transfers. */
export type Command =
  | { readonly kind: "create"; readonly transfer: NewTransfer }
  | {
      readonly kind: "capture";
      readonly id: TransferId;
      /** Absent: all that is held. */
      readonly amount: Minor | undefined;
    }
  | { readonly kind: "void"; readonly id: TransferId }
  | { readonly kind: "reverse"; readonly id: TransferId; readonly description: string }
  /** Settles a hold that has expired. Only the sweeper asks for it. */
  | { readonly kind: "expire"; readonly id: TransferId };

/** A command with who asks for it. */
export interface Posting {
  readonly command: Command;
  readonly actor: Actor;
  /** Absent: a repeated request is done again. */
  readonly claim: Claim | undefined;
  /** Decide as if for real and write nothing. */
  readonly dryRun: boolean;
  /** What stands before the fields of its request in the paths of arguments: "" or as "transfers[3].". */
  readonly path: string;
}

/** Postings that are decided one after the other, with nobody else's in between. */
export interface PostingGroup {
  readonly postings: readonly Posting[];
  /** All or none, and the floors hold only at the end. */
  readonly atomic: boolean;
  /** Nobody waits for it at the API: it shares no batch with callers' postings, and takes a small share of their lane. Default false. */
  readonly background?: boolean;
}

/** The earlier transfer that a command is about; undefined for one that stands by itself. */
export function targetOf(command: Command): TransferId | undefined {
  return command.kind === "create" ? undefined : command.id;
}

/** Whether carrying out the command makes a new transfer, rather than settling its target. */
export function makesTransfer(command: Command): boolean {
  return command.kind === "create" || command.kind === "reverse";
}

/** How many postings a request is: those of a batch, or one. */
export function countPostings(request: object): number {
  return "transfers" in request && Array.isArray(request.transfers) ? request.transfers.length : 1;
}
