import { type Account, AccountType, FinanceError, newIdempotencyKey } from "@finance-service/client";
import { type FormEvent, useRef, useState } from "react";
import { minorUnitDigitsOf } from "../../../src/finance/values.ts";
import { Field, SelectField } from "../components/field.tsx";
import { MetadataFields } from "../components/metadata-fields.tsx";
import { type Pair, readPairs } from "../components/metadata-pairs.ts";
import { PageHeading } from "../components/page-heading.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { useFirstProblem } from "../components/use-first-problem.ts";
import { useChange } from "../data/use-change.ts";
import { accountTypes } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { readOverdraft } from "./account-values.ts";
import { OverdraftFields } from "./overdraft-fields.tsx";

const EMPTY = {
  name: "",
  type: AccountType.ACCOUNT_TYPE_LIABILITY as AccountType,
  currency: "USD",
  owner: "",
  overdraft: "",
  unlimited: false,
  metadata: [] as readonly Pair[],
};

type FieldName = "name" | "currency" | "owner" | "overdraft" | "metadata";
type Problems = Partial<Record<FieldName, string>>;

/** The form's field for each `argument` of a refusal. */
const FIELD_OF: Readonly<Record<string, FieldName>> = {
  name: "name",
  currency: "currency",
  owner: "owner",
  overdraft_limit: "overdraft",
  metadata: "metadata",
};

/** Opens an account. Only an admin chooses its type, owner and overdraft; other callers open wallets of their own. */
export function NewAccountPage() {
  const { finance, caller = "", may } = useSession();
  const [values, setValues] = useState(EMPTY);
  const [problems, setProblems] = useState<Problems>({});
  /** One key for every try, until the form changes. */
  const idempotencyKey = useRef<string>(undefined);
  const [isPairsLeft, setPairsLeft] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const focusFirstProblem = useFirstProblem(form);
  const opening = useChange((request: Parameters<typeof finance.createAccount>[0]) => finance.createAccount(request));

  const set = (change: Partial<typeof EMPTY>) => {
    setValues({ ...values, ...change });
    setProblems({});
    opening.reset();
    idempotencyKey.current = undefined;
  };
  const point = (found: Problems) => {
    setProblems(found);
    setPairsLeft(true);
    focusFirstProblem();
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (opening.isPending) return;
    const read = readValues(values);
    if (!read.ok) return point(read.problems);
    idempotencyKey.current ??= newIdempotencyKey();
    opening.mutate(
      { ...read.request, idempotencyKey: idempotencyKey.current },
      {
        onSuccess: ({ id }: Account) => {
          window.location.hash = paths.account(id);
        },
        onError: (error) => {
          const field =
            error instanceof FinanceError ? FIELD_OF[error.meta["argument"]?.split(".")[0] ?? ""] : undefined;
          if (field === undefined) return;
          point({ [field]: `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.` });
        },
      },
    );
  };
  const isAtField = Object.keys(problems).length > 0;
  const currency = (
    <Field
      label="Currency"
      name="currency"
      value={values.currency}
      onChange={({ target }) => set({ currency: target.value.toUpperCase() })}
      problem={problems.currency}
      hint="ISO 4217 code, such as USD or JPY. It can't be changed later"
      maxLength={3}
      autoComplete="off"
      spellCheck={false}
    />
  );

  return (
    <>
      <PageHeading title="New account" back={{ href: paths.accounts, to: "Accounts" }} />
      <form ref={form} className="card form" onSubmit={submit} noValidate>
        <Field
          label="Name"
          name="name"
          value={values.name}
          onChange={({ target }) => set({ name: target.value })}
          problem={problems.name}
          maxLength={200}
          autoComplete="off"
        />
        {may.setTerms ? (
          <>
            <div className="pair">
              <SelectField
                label="Type"
                value={values.type}
                onChange={({ target }) => set({ type: Number(target.value) })}
                hint={hintOf(values.type)}
                choices={accountTypes}
              />
              {currency}
            </div>
            <Terms values={values} problems={problems} caller={caller} onChange={set} />
          </>
        ) : (
          <>
            {currency}
            <p className="muted">
              You can open a wallet of your own: a liability account that can't be overdrawn. Only an admin can open
              other accounts.
            </p>
          </>
        )}
        <details>
          <summary>Metadata</summary>
          <div className="stack">
            <MetadataFields
              pairs={values.metadata}
              onPairs={(metadata) => set({ metadata })}
              isChecked={isPairsLeft}
              onLeft={() => setPairsLeft(true)}
              problem={problems.metadata}
            />
          </div>
        </details>
        {opening.error && !isAtField && <ProblemNote problem={opening.error} />}
        <div className="actions">
          <button type="submit" aria-disabled={opening.isPending}>
            {opening.isPending ? "Opening…" : "Open account"}
          </button>
          <a className="button quiet" href={paths.accounts}>
            Cancel
          </a>
        </div>
      </form>
    </>
  );
}

interface TermsProps {
  readonly values: typeof EMPTY;
  readonly problems: Problems;
  readonly caller: string;
  onChange(change: Partial<typeof EMPTY>): void;
}

/** The owner, and how far the account may be overdrawn. */
function Terms({ values, problems, caller, onChange }: TermsProps) {
  return (
    <>
      <Field
        label="Owner"
        name="owner"
        value={values.owner}
        onChange={({ target }) => onChange({ owner: target.value })}
        problem={problems.owner}
        placeholder={caller}
        hint="The sub of tokens that may see and debit it. Leave it empty for your own"
        maxLength={255}
        autoComplete="off"
        spellCheck={false}
      />
      <OverdraftFields values={values} problem={problems.overdraft} onChange={onChange} />
    </>
  );
}

function readValues(values: typeof EMPTY) {
  const problems: Problems = {};
  const { type, currency } = values;
  const name = values.name.trim();
  if (name === "") problems.name = "Enter a name.";
  if (!/^[A-Z]{3}$/.test(currency)) problems.currency = "Enter a three-letter code, such as USD.";
  // The service refuses other currencies itself.
  const minorUnitDigits = minorUnitDigitsOf(currency);
  const limit = minorUnitDigits === undefined ? undefined : readOverdraft(values, { currency, minorUnitDigits });
  if (limit?.ok === false) problems.overdraft = limit.problem;
  const metadata = readPairs(values.metadata);
  if (metadata === undefined) problems.metadata = "Complete the pairs that are marked.";
  if (metadata === undefined || Object.keys(problems).length > 0) return { ok: false, problems } as const;
  const request = {
    name,
    type,
    currency,
    owner: values.owner.trim(),
    overdraftLimit: limit?.ok ? limit.minor : 0n,
    unlimitedOverdraft: values.unlimited,
    metadata,
  };
  return { ok: true, request } as const;
}

function hintOf(type: AccountType): string {
  switch (type) {
    case AccountType.ACCOUNT_TYPE_ASSET:
      return "Something you own, such as money at a bank. Debits increase it";
    case AccountType.ACCOUNT_TYPE_EXPENSE:
      return "Money that was spent. Debits increase it";
    case AccountType.ACCOUNT_TYPE_EQUITY:
      return "The owners' share. Credits increase it";
    case AccountType.ACCOUNT_TYPE_INCOME:
      return "Money that was earned. Credits increase it";
    default:
      return "Something you owe, such as a customer's wallet. Credits increase it";
  }
}
