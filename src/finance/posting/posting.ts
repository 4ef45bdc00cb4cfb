import type { Actor } from "../policy.ts";
import type { NewTransfer } from "../validation.ts";
import type { Minor, TransferId } from "../values.ts";
import type { Claim } from "./idempotency.ts";

/** The commands that the ledger knows. */
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
  /** Settles a hold that has expired. Only the sweeper sends it. */
  | { readonly kind: "expire"; readonly id: TransferId };

/** A command with its caller. */
export interface Posting {
  readonly command: Command;
  readonly actor: Actor;
  /** Undefined: a repeated request is carried out again. */
  readonly claim: Claim | undefined;
  /** Decide as usual but write nothing. */
  readonly dryRun: boolean;
  /** The prefix of its fields in the paths of arguments: "", or such as "transfers[3].". */
  readonly path: string;
}

/** Postings that are decided one after the other, without others in between. */
export interface PostingGroup {
  readonly postings: readonly Posting[];
  /** All or none; the floors must hold at the end only. */
  readonly atomic: boolean;
  /** No caller waits for it: it shares no batch with callers' postings and takes a small share of the lane. Default false. */
  readonly background?: boolean;
}
