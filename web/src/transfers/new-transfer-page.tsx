import {
  type Account,
  FinanceError,
  formatMoney,
  fromDate,
  newIdempotencyKey,
  type Transfer,
  TransferState,
} from "@finance-service/client";
import { type FormEvent, type MouseEvent, useRef, useState } from "react";
import { Field, SelectField } from "../components/field.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { Sum } from "../components/sum.tsx";
import { useAccountsWith } from "../data/use-accounts.ts";
import { useChange } from "../data/use-change.ts";
import { hindranceOf, isDebitNormal } from "../labels.ts";
import { paths, readId, useQueryOfAddress } from "../route.ts";
import { useSession } from "../session/session.ts";
import { AccountPicker } from "./account-picker.tsx";
import { isDecided, placeRefusal, wordingOf } from "./refusal-place.ts";
import {
  FIELD_NAMES,
  type FieldName,
  type FieldProblems,
  readTransfer,
  type TransferDraft,
  type TransferValues,
} from "./transfer-values.ts";
import { useTrial } from "./use-trial.ts";

const EMPTY: TransferValues = {
  debitAccountId: "",
  creditAccountId: "",
  amount: "",
  description: "",
  pending: false,
  holdDays: 7,
};
/** In days. */
const HOLD_LENGTHS = [
  { value: 1, label: "After a day" },
  { value: 7, label: "After a week" },
  { value: 30, label: "After 30 days" },
  { value: 0, label: "Never" },
];
const DESCRIPTION_LENGTH_MAX = 500;
const DAY_MS = 86_400_000;

/** Moves or holds money. While the form is edited, a dry run shows the balances afterwards. */
export function NewTransferPage() {
  const { finance, may } = useSession();
  const query = useQueryOfAddress();
  const [values, setValues] = useState<TransferValues>(() => filledFrom(query));
  const { accounts, isLooking } = useAccountsWith(readId(values.debitAccountId));
  /** Fields that lost the focus once or were filled in by a link. Problems of other fields are not shown yet. */
  const [left, setLeft] = useState<ReadonlySet<FieldName>>(
    () => new Set(FIELD_NAMES.filter((name) => values[name] !== "")),
  );
  const [refused, setRefused] = useState<FieldProblems>({});
  /** The request that was sent. Every try sends the same one until the form changes. */
  const sent = useRef<Parameters<typeof finance.createTransfer>[0]>(undefined);
  const form = useRef<HTMLFormElement>(null);
  const posting = useChange((request: Parameters<typeof finance.createTransfer>[0]) => finance.createTransfer(request));

  const read = readTransfer(values, accounts, may, isLooking);
  const draft = "draft" in read ? read.draft : undefined;
  const trial = useTrial(draft);
  const problems: FieldProblems = {
    ...("problems" in read && problemsAt(left, read.problems)),
    ...problemsOf(trial.refusal, draft),
    ...refused,
  };
  const debited = accounts.get(readId(values.debitAccountId) ?? 0n);

  const leave = (name: FieldName) => setLeft((before) => new Set([...before, name]));
  const set = (change: Partial<TransferValues>) => {
    setValues({ ...values, ...change });
    setRefused({});
    posting.reset();
    sent.current = undefined;
  };
  /** Shows the problems and focuses the first field that has one. */
  const point = (found: FieldProblems) => {
    setLeft(new Set(FIELD_NAMES));
    setRefused(found);
    const first = FIELD_NAMES.find((name) => name in found);
    form.current?.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (posting.isPending) return;
    if (draft === undefined) return point("problems" in read ? read.problems : {});
    sent.current ??= { ...draft, ...expiryOf(values), idempotencyKey: newIdempotencyKey() };
    posting.mutate(sent.current, {
      onSuccess: () => {
        sent.current = undefined;
        setValues({ ...EMPTY, debitAccountId: values.debitAccountId });
        setLeft(new Set());
      },
      onError: (error) => {
        if (!(error instanceof FinanceError)) return;
        if (isDecided(error)) sent.current = undefined;
        const found = problemsOf(error, draft);
        if (Object.keys(found).length > 0) point(found);
      },
    });
  };

  const fieldFor = (name: "amount" | "description") => ({
    name,
    value: values[name],
    problem: problems[name],
    readOnly: posting.isPending,
    onChange: ({ target }: { readonly target: { readonly value: string } }) => set({ [name]: target.value }),
    onBlur: () => leave(name),
  });
  const open = [...accounts.values()].filter((account) => hindranceOf(account) === undefined);
  const isAtField = posting.error instanceof FinanceError && Object.keys(problemsOf(posting.error, draft)).length > 0;

  return (
    <>
      <PageHeading title="New transfer" />
      <form ref={form} className="card form" onSubmit={submit} noValidate>
        <AccountPicker
          label="From account"
          name="debitAccountId"
          accounts={open.filter(may.debit)}
          text={values.debitAccountId}
          onText={(text) => set({ debitAccountId: text })}
          onLeft={() => leave("debitAccountId")}
          problem={problems.debitAccountId}
          hint={debited ? "" : "The money comes from here"}
        />
        <AccountPicker
          label="To account"
          name="creditAccountId"
          accounts={open.filter(
            (account) =>
              may.credit(account) &&
              account.id !== debited?.id &&
              account.currency === (debited?.currency ?? account.currency),
          )}
          text={values.creditAccountId}
          onText={(text) => set({ creditAccountId: text })}
          onLeft={() => leave("creditAccountId")}
          problem={problems.creditAccountId}
          hint={
            accounts.has(readId(values.creditAccountId) ?? 0n)
              ? ""
              : "The money goes here. If the account is not listed, enter its number"
          }
        />
        <Field
          {...fieldFor("amount")}
          label={debited ? `Amount in ${debited.currency}` : "Amount"}
          hint={debited && limitOf(debited)}
          inputMode="decimal"
          autoComplete="off"
        />
        <Field
          {...fieldFor("description")}
          label="Description"
          hint="Optional"
          maxLength={DESCRIPTION_LENGTH_MAX}
          autoComplete="off"
        />
        <label className="check">
          <input type="checkbox" checked={values.pending} onChange={({ target }) => set({ pending: target.checked })} />
          Hold it now, to capture or void it later
        </label>
        {values.pending && (
          <SelectField
            label="The hold expires"
            value={values.holdDays}
            onChange={({ target }) => set({ holdDays: Number(target.value) })}
            choices={HOLD_LENGTHS}
          />
        )}
        <Preview trial={trial.transfer} accounts={accounts} />
        {posting.error && !isAtField && <ProblemNote problem={posting.error} />}
        <div className="actions">
          <button type="submit" aria-disabled={posting.isPending} onClick={ignoreSecondClick}>
            {posting.isPending ? "Sending…" : values.pending ? "Hold" : "Transfer"}
          </button>
        </div>
        <div role="status">{posting.data && <Done transfer={posting.data} accounts={accounts} />}</div>
      </form>
    </>
  );
}

/** The values in an address such as "from=4&to=6&amount=12.50". */
function filledFrom(query: URLSearchParams): TransferValues {
  return {
    ...EMPTY,
    debitAccountId: query.get("from") ?? "",
    creditAccountId: query.get("to") ?? "",
    amount: query.get("amount") ?? "",
    description: query.get("description")?.slice(0, DESCRIPTION_LENGTH_MAX) ?? "",
  };
}

/** The second half of a double click may come after the reply and must not submit the emptied form. */
function ignoreSecondClick(event: MouseEvent): void {
  if (event.detail > 1) event.preventDefault();
}

function problemsAt(names: ReadonlySet<FieldName>, problems: FieldProblems): FieldProblems {
  return Object.fromEntries([...names].flatMap((name) => (name in problems ? [[name, problems[name]]] : [])));
}

function problemsOf(refusal: FinanceError | undefined, draft: TransferDraft | undefined): FieldProblems {
  if (refusal === undefined || draft === undefined) return {};
  const place = placeRefusal(refusal, draft.creditAccountId);
  return place === "form" ? {} : { [place]: wordingOf(refusal, place) };
}

function expiryOf({ pending, holdDays }: TransferValues): { expiresAt?: string } {
  return pending && holdDays > 0 ? { expiresAt: fromDate(new Date(Date.now() + holdDays * DAY_MS)) } : {};
}

/** The largest possible debit. Debits increase debit-normal accounts, so those have no limit. */
function limitOf(account: Account): string | undefined {
  if (account.unlimitedOverdraft || isDebitNormal(account)) return undefined;
  return `Up to ${formatMoney(account.availableBalance + account.overdraftLimit, account)}`;
}

interface TransferProps {
  readonly accounts: ReadonlyMap<bigint, Account>;
}

/** The service's forecast of both balances, or for a hold, of the available balance. */
function Preview({ trial, accounts }: TransferProps & { readonly trial: Transfer | undefined }) {
  if (trial === undefined) return null;
  const isHold = trial.state === TransferState.TRANSFER_STATE_PENDING;
  const sides = [
    { account: accounts.get(trial.debitAccountId), balance: trial.debitAccountBalance, isDebited: true },
    { account: accounts.get(trial.creditAccountId), balance: trial.creditAccountBalance, isDebited: false },
  ].flatMap(({ account, balance, isDebited }) => {
    if (account === undefined) return [];
    if (!isHold) return [{ account, word: "", before: account.balance, after: balance }];
    if (isDebited === isDebitNormal(account)) return [];
    const before = account.availableBalance;
    return [{ account, word: ", available", before, after: before - trial.amount }];
  });
  return (
    <section className="preview" aria-label="Balances afterwards">
      {sides.map(({ account, word, before, after }) => (
        <p key={`${account.id}`}>
          <span>
            {account.name}
            {word}
          </span>
          <span>
            <Sum minor={before} money={trial} /> →{" "}
            <strong>
              <Sum minor={after} money={trial} />
            </strong>
          </span>
        </p>
      ))}
    </section>
  );
}

function Done({ transfer, accounts }: TransferProps & { readonly transfer: Transfer }) {
  const { id, amount, creditAccountId, debitAccountId, state } = transfer;
  const isHold = state === TransferState.TRANSFER_STATE_PENDING;
  const debited = accounts.get(debitAccountId);
  return (
    <p className="done">
      {isHold ? "Held" : "Transferred"} <Sum minor={amount} money={transfer} /> to{" "}
      {accounts.get(creditAccountId)?.name ?? `account ${creditAccountId}`}. See{" "}
      <a href={paths.transfer(id)}>transfer {`${id}`}</a>
      {debited && (
        <>
          {" "}
          or the <a href={paths.account(debitAccountId)}>statement of {debited.name}</a>
        </>
      )}
      .
    </p>
  );
}
