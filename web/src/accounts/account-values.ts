/** The contents of the forms that open an account and change its settings. */
import type { Account, Currency, FinanceClient } from "@finance-service/client";
import { readAmount, type TypedAmount, writeAmount } from "../components/amount.ts";
import { type Pair, pairsOf, readPairs } from "../components/metadata-pairs.ts";

export interface OverdraftValues {
  /** In the major unit; empty for none. */
  readonly overdraft: string;
  readonly unlimited: boolean;
}

/** The limit in minor units; 0 for none and for an unlimited overdraft. */
export function readOverdraft({ overdraft, unlimited }: OverdraftValues, money: Currency): TypedAmount {
  if (unlimited || overdraft.trim() === "") return { ok: true, minor: 0n };
  return readAmount(overdraft, money);
}

export interface EditValues extends OverdraftValues {
  readonly name: string;
  readonly metadata: readonly Pair[];
}

export type EditProblems = Partial<Record<"name" | "overdraft" | "metadata", string>>;

/** The fields to change, without those that stay the same. */
export type AccountEdit = Omit<Parameters<FinanceClient["updateAccount"]>[0], "id" | "status">;

export function editValuesOf(account: Account): EditValues {
  const { name, overdraftLimit, unlimitedOverdraft, metadata } = account;
  return {
    name,
    overdraft: overdraftLimit === 0n ? "" : writeAmount(overdraftLimit, account),
    unlimited: unlimitedOverdraft,
    metadata: pairsOf(metadata),
  };
}

/** @param opened The account as it was when the form opened: only what people changed since then is sent. */
export function readEdit(
  values: EditValues,
  opened: Account,
): { readonly edit: AccountEdit } | { readonly problems: EditProblems } {
  const problems: EditProblems = {};
  const name = values.name.trim();
  if (name === "") problems.name = "Enter a name.";
  const limit = readOverdraft(values, opened);
  if (!limit.ok) problems.overdraft = limit.problem;
  const metadata = readPairs(values.metadata);
  if (metadata === undefined) problems.metadata = "Complete the pairs that are marked.";
  if (!limit.ok || metadata === undefined || name === "") return { problems };
  const removed = Object.keys(opened.metadata).filter((key) => !Object.hasOwn(metadata, key));
  const set = Object.entries(metadata).filter(([key, value]) => opened.metadata[key] !== value);
  const pairs = [...set, ...removed.map((key) => [key, ""] as const)];
  const edit = {
    ...(name !== opened.name && { name }),
    ...(limit.minor !== opened.overdraftLimit && { overdraftLimit: limit.minor }),
    ...(values.unlimited !== opened.unlimitedOverdraft && { unlimitedOverdraft: values.unlimited }),
    // An empty value removes its pair.
    ...(pairs.length > 0 && { metadata: Object.fromEntries(pairs) }),
  };
  return { edit };
}
