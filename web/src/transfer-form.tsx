import { type FormEvent, type MouseEvent, useId, useRef, useState } from "react";
import type { Account } from "../../generated/client/finance/v1/account.ts";
import type { Transfer } from "../../generated/client/finance/v1/transfer.ts";
import { hindranceOf, isDebitNormal } from "./account-words.ts";
import type { Api } from "./api.ts";
import { Field } from "./field.tsx";
import { formatMoney, parseAmount } from "./money.ts";
import { CallError, type Problem, type Refusal } from "./problem.ts";
import { ProblemNote } from "./problem-note.tsx";
import { isDecided, type Place, placeRefusal } from "./refusal-place.ts";

const EMPTY = { creditAccountId: "", amount: "", description: "" };
const DESCRIPTION_LENGTH_MAX = 500;

type FieldName = keyof typeof EMPTY;
type FieldProblems = Partial<Record<FieldName, string>>;

interface TransferFormProps {
  /** The one to be debited. */
  readonly account: Account;
  /** To choose from; any other number may be typed. */
  readonly accounts: readonly Account[];
  readonly createTransfer: Api["createTransfer"];
  onTransferred(): void;
  /** The account may differ from what was shown. */
  onRefused(): void;
}

export function TransferForm({ account, accounts, createTransfer, onTransferred, onRefused }: TransferFormProps) {
  const [values, setValues] = useState(EMPTY);
  const [fieldProblems, setFieldProblems] = useState<FieldProblems>({});
  const [problem, setProblem] = useState<Problem>();
  const [done, setDone] = useState<Transfer>();
  const [busy, setBusy] = useState(false);
  /** Of the transfer that the form describes now, for all its tries. */
  const idempotencyKey = useRef<string>(undefined);
  const form = useRef<HTMLFormElement>(null);
  const suggestions = useId();

  const others = accounts.filter(
    ({ id, currency, ...other }) =>
      id !== account.id && currency === account.currency && hindranceOf(other) === undefined,
  );
  const payee = others.find(({ id }) => `${id}` === values.creditAccountId.trim());

  const inputFor = (name: FieldName) => ({
    name,
    value: values[name],
    problem: fieldProblems[name],
    readOnly: busy,
    onChange: (event: { readonly target: { readonly value: string } }) => {
      setValues({ ...values, [name]: event.target.value });
      setFieldProblems({ ...fieldProblems, [name]: undefined });
      setProblem(undefined);
      setDone(undefined);
      idempotencyKey.current = undefined;
    },
  });

  /** Shows problems at their fields and goes to the first. */
  const point = (problems: FieldProblems) => {
    setFieldProblems(problems);
    const first = Object.keys(EMPTY).find((name) => name in problems);
    form.current?.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
  };

  const refuse = (refusal: Refusal, creditAccountId: bigint) => {
    if (isDecided(refusal)) idempotencyKey.current = undefined;
    const place: Place = placeRefusal(refusal, creditAccountId);
    if (place === "form") setProblem(refusal);
    else point({ [place]: wordingOf(refusal, place) });
    onRefused();
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setDone(undefined);
    setProblem(undefined);
    const creditAccountId = readAccountId(values.creditAccountId);
    const amount = parseAmount(values.amount, account);
    if (creditAccountId === undefined || creditAccountId === account.id || !amount.ok) {
      return point({
        ...(creditAccountId === undefined && { creditAccountId: "Enter the number of an account." }),
        ...(creditAccountId === account.id && { creditAccountId: "This is the account the money comes from." }),
        ...(!amount.ok && { amount: amount.problem }),
      });
    }

    setFieldProblems({});
    setBusy(true);
    idempotencyKey.current ??= newIdempotencyKey();
    try {
      const transfer = await createTransfer({
        debitAccountId: account.id,
        creditAccountId,
        amount: amount.minor,
        description: values.description.trim(),
        idempotencyKey: idempotencyKey.current,
      });
      idempotencyKey.current = undefined;
      setValues(EMPTY);
      setDone(transfer);
      onTransferred();
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.problem.kind === "refusal") refuse(error.problem, creditAccountId);
      else setProblem(error.problem);
    } finally {
      setBusy(false);
    }
  };

  return (
    <section aria-labelledby="transfer-heading">
      <h2 id="transfer-heading">Transfer from this account</h2>
      <form ref={form} className="card transfer" onSubmit={(event) => void submit(event)} noValidate>
        <Field
          {...inputFor("creditAccountId")}
          label="To account"
          hint={payee?.name ?? (fieldProblems.creditAccountId === undefined && "Number of the account")}
          inputMode="numeric"
          autoComplete="off"
          list={suggestions}
        />
        <datalist id={suggestions}>
          {others.map(({ id, name }) => (
            <option key={`${id}`} value={`${id}`}>
              {name}
            </option>
          ))}
        </datalist>
        <Field
          {...inputFor("amount")}
          label={`Amount in ${account.currency}`}
          hint={limitOf(account)}
          inputMode="decimal"
          autoComplete="off"
        />
        <Field
          {...inputFor("description")}
          label="Description"
          hint="Optional"
          maxLength={DESCRIPTION_LENGTH_MAX}
          autoComplete="off"
        />
        <button type="submit" aria-disabled={busy} onClick={ignoreSecondClick}>
          {busy ? "Transferring…" : "Transfer"}
        </button>
      </form>
      {problem && <ProblemNote problem={problem} />}
      <p className="done" role="status">
        {done &&
          `Transferred ${formatMoney(done.amount, account)} to account ${done.creditAccountId}. It is transfer ${done.id}.`}
      </p>
    </section>
  );
}

/** The second click of a double click may come after the answer, and must not submit the form that was emptied by it. */
function ignoreSecondClick(event: MouseEvent): void {
  if (event.detail > 1) event.preventDefault();
}

/** The refusal in the words of the form, where the service counts in minor units. */
function wordingOf({ meta, msg }: Refusal, place: Place): string {
  if (meta["reason"] === "insufficient_funds" && place === "amount") return "This is more than the account can spend.";
  return `${msg.charAt(0).toUpperCase()}${msg.slice(1)}.`;
}

/** What a debit may take; a debit-normal account grows by it. */
function limitOf(account: Account): string | undefined {
  if (account.unlimitedOverdraft || isDebitNormal(account)) return undefined;
  return `Up to ${formatMoney(account.availableBalance + account.overdraftLimit, account)}`;
}

function readAccountId(text: string): bigint | undefined {
  const digits = /^[1-9]\d{0,18}$/.exec(text.trim())?.[0];
  return digits === undefined ? undefined : BigInt(digits);
}

/** 128 random bits. A page that is not on localhost or https has no randomUUID. */
function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
