import { type Account, FinanceError, formatMoney, fromDate, newIdempotencyKey } from "@finance-service/client";
import { type FormEvent, useRef, useState } from "react";
import { Field, SelectField } from "../components/field.tsx";
import { MetadataFields } from "../components/metadata-fields.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { SubmitButton } from "../components/submit-button.tsx";
import { useFirstProblem } from "../components/use-first-problem.ts";
import { keys } from "../data/queries.ts";
import { useAccountsWith } from "../data/use-accounts.ts";
import { useChange } from "../data/use-change.ts";
import { useTrial } from "../data/use-trial.ts";
import { hindranceOf, isDebitNormal } from "../labels.ts";
import { paths, readId, useQueryOfAddress } from "../route.ts";
import { useSession } from "../session/session.ts";
import { AccountPicker } from "./account-picker.tsx";
import { TrialForecast } from "./balances-afterwards.tsx";
import { DoneNote } from "./done-note.tsx";
import { zonedTimeOf } from "./local-time.ts";
import { isDecided, placeRefusal, wordingOf } from "./refusal-place.ts";
import { TimeField, unfinishedTimes } from "./time-field.tsx";
import {
  accountsOf,
  DESCRIPTION_LENGTH_MAX,
  FIELD_NAMES,
  type FieldName,
  type FieldProblems,
  readTransfer,
  type TransferDraft,
  type TransferValues,
} from "./transfer-values.ts";

const EMPTY: TransferValues = {
  debitAccountId: "",
  creditAccountId: "",
  amount: "",
  description: "",
  pending: false,
  holdDays: 7,
  expiresAt: "",
  effectiveAt: "",
  metadata: [],
};
const AT_A_TIME = "time";
/** In days. */
const HOLD_LENGTHS = [
  { value: 1, label: "After a day" },
  { value: 7, label: "After a week" },
  { value: 30, label: "After 30 days" },
  { value: AT_A_TIME, label: "At a date and time" },
  { value: 0, label: "Never" },
];
const DAY_MS = 86_400_000;

/** Moves or holds money. While the form is edited, a dry run shows the balances afterwards. */
export function NewTransferPage() {
  const { finance, may } = useSession();
  const query = useQueryOfAddress();
  const [values, setValues] = useState<TransferValues>(() => filledFrom(query));
  const { accounts, isLooking } = useAccountsWith(accountsOf(values));
  /** Fields that lost the focus once or were filled in by a link. Problems of other fields are not shown yet. */
  const [left, setLeft] = useState<ReadonlySet<FieldName>>(
    () => new Set(FIELD_NAMES.filter((name) => values[name].length > 0)),
  );
  const [refused, setRefused] = useState<FieldProblems>({});
  /** The request that was sent. Every try sends the same one until the form changes. */
  const sent = useRef<Parameters<typeof finance.createTransfer>[0]>(undefined);
  const form = useRef<HTMLFormElement>(null);
  const focusFirstProblem = useFirstProblem(form);
  const posting = useChange((request: Parameters<typeof finance.createTransfer>[0]) => finance.createTransfer(request));

  const read = readTransfer(values, accounts, may, isLooking);
  const draft = "draft" in read ? read.draft : undefined;
  const trial = useTrial(
    keys.trial({ debit: draft?.debitAccountId, credit: draft?.creditAccountId }),
    draft,
    finance.createTransfer,
  );
  const problems: FieldProblems = {
    ...("problems" in read && problemsAt(left, read.problems)),
    ...problemsOf(trial.refusal, draft),
    ...refused,
  };
  const debited = accounts.get(readId(values.debitAccountId) ?? 0n);

  // The account's name comes in the place of the hint.
  const isLookingFor = (text: string) => isLooking && readId(text) !== undefined;

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
    focusFirstProblem();
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (posting.isPending) return;
    const unfinished = unfinishedTimes(form.current);
    if (Object.keys(unfinished).length > 0) return point(unfinished);
    // The form's own problems are shown for as long as they last.
    if (draft === undefined) return point({});
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

  const controlFor = (name: "amount" | "description" | "expiresAt" | "effectiveAt") => ({
    name,
    problem: problems[name],
    readOnly: posting.isPending,
  });
  const fieldFor = (name: "amount" | "description") => ({
    ...controlFor(name),
    value: values[name],
    onChange: ({ target }: { readonly target: { readonly value: string } }) => set({ [name]: target.value }),
    onBlur: () => leave(name),
  });
  const timeFor = (name: "expiresAt" | "effectiveAt") => ({
    ...controlFor(name),
    text: values[name],
    onText: (text: string) => set({ [name]: text }),
    onLeft: () => leave(name),
  });
  const open = [...accounts.values()].filter((account) => hindranceOf(account) === undefined);
  const isAtField = posting.error instanceof FinanceError && Object.keys(problemsOf(posting.error, draft)).length > 0;

  return (
    <>
      <PageHeading title="New transfer">
        <a className="button quiet" href={paths.newJournal}>
          Enter a journal
        </a>
      </PageHeading>
      <div className="card form">
        <form ref={form} className="stack" onSubmit={submit} noValidate>
          <AccountPicker
            label="From account"
            name="debitAccountId"
            accounts={open.filter(may.debit)}
            text={values.debitAccountId}
            onText={(text) => set({ debitAccountId: text })}
            onLeft={() => leave("debitAccountId")}
            problem={problems.debitAccountId}
            hint={debited || isLookingFor(values.debitAccountId) ? "" : "The money comes from here"}
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
              accounts.has(readId(values.creditAccountId) ?? 0n) || isLookingFor(values.creditAccountId)
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
            <input
              type="checkbox"
              checked={values.pending}
              onChange={({ target }) => set({ pending: target.checked })}
            />
            Hold it now, to capture or void it later
          </label>
          {values.pending && (
            <SelectField
              label="The hold expires"
              value={values.holdDays ?? AT_A_TIME}
              onChange={({ target }) =>
                set({ holdDays: target.value === AT_A_TIME ? undefined : Number(target.value) })
              }
              choices={HOLD_LENGTHS}
              hint={expiryHint(values)}
            />
          )}
          {values.pending && values.holdDays === undefined && (
            <TimeField {...timeFor("expiresAt")} label="Expires at" />
          )}
          <details>
            <summary>{may.setEffectiveTime ? "Effective date and metadata" : "Metadata"}</summary>
            <div className="stack">
              {may.setEffectiveTime && (
                <TimeField
                  {...timeFor("effectiveAt")}
                  label="Effective"
                  hint="The business date. Leave it empty for the time of recording"
                />
              )}
              <MetadataFields
                pairs={values.metadata}
                onPairs={(metadata) => set({ metadata })}
                isChecked={left.has("metadata")}
                onLeft={() => leave("metadata")}
                problem={problems.metadata}
              />
            </div>
          </details>
          <TrialForecast trial={trial} accounts={accounts} rows={values.pending ? 1 : 2} />
          {posting.error && !isAtField && <ProblemNote problem={posting.error} />}
          <div className="actions">
            <SubmitButton isBusy={posting.isPending}>{values.pending ? "Hold" : "Transfer"}</SubmitButton>
          </div>
        </form>
        <div role="status" className="stack">
          {posting.data && <DoneNote transfer={posting.data} accounts={accounts} />}
        </div>
      </div>
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

function problemsAt(names: ReadonlySet<FieldName>, problems: FieldProblems): FieldProblems {
  return Object.fromEntries([...names].flatMap((name) => (name in problems ? [[name, problems[name]]] : [])));
}

function problemsOf(refusal: FinanceError | undefined, draft: TransferDraft | undefined): FieldProblems {
  if (refusal === undefined || draft === undefined) return {};
  const place = placeRefusal(refusal, draft.creditAccountId);
  return place === "form" ? {} : { [place]: wordingOf(refusal, place) };
}

/** The expiry of a hold that lasts a number of days from now. */
function expiryOf({ pending, holdDays = 0 }: TransferValues): { expiresAt?: string } {
  return pending && holdDays > 0 ? { expiresAt: fromDate(new Date(Date.now() + holdDays * DAY_MS)) } : {};
}

function expiryHint(values: TransferValues): string {
  const { expiresAt } = expiryOf(values);
  if (expiresAt !== undefined) return zonedTimeOf(expiresAt);
  return values.holdDays === 0 ? "It lasts until it is captured or voided" : "";
}

/** The largest possible debit. Debits increase debit-normal accounts, so those have no limit. */
function limitOf(account: Account): string | undefined {
  if (account.unlimitedOverdraft || isDebitNormal(account)) return undefined;
  return `Up to ${formatMoney(account.availableBalance + account.overdraftLimit, account)}`;
}
