/** Fields whose contents live in the address. */
import type { Account, Currency } from "@finance-service/client";
import { type ReactNode, useEffect, useState } from "react";
import { type FilterProblems, toAddressAmount, toTypedAmount, toTypedDay, wordOf } from "../data/filters.ts";
import { changeQuery, readId, useQueryOfAddress } from "../route.ts";
import { AccountPicker } from "../transfers/account-picker.tsx";
import { Field, SelectField } from "./field.tsx";

/** The pause after which a text that somebody types becomes part of the address. */
const TYPING_PAUSE_MS = 300;

interface FilterProps {
  readonly label: string;
  /** The parameter in the address. */
  readonly name: string;
  readonly problems: FilterProblems;
}

const asItIs = (text: string) => text;
const trimmed = (text: string) => text.trim();

interface TextFilterOptions {
  /** The text in the address for a typed one. Default: the same, without spaces at its ends. */
  toAddress?(typed: string): string;
  /** The reverse. */
  toTyped?(text: string): string;
  /** Whether an unfinished text may already go into the address. Default: any may. */
  isReady?(typed: string): boolean;
  /** Default: of a person who types. */
  readonly pauseMs?: number;
}

/** The text of a field that is being typed, and then of the address. */
function useTextFilter(
  name: string,
  { toAddress = trimmed, toTyped = asItIs, isReady = () => true, pauseMs = TYPING_PAUSE_MS }: TextFilterOptions = {},
) {
  const kept = useQueryOfAddress().get(name) ?? "";
  // A typed text counts until the address changes by other means, such as Back.
  const [typed, setTyped] = useState<{ readonly text: string; readonly kept: string }>();
  const text = typed?.kept === kept ? typed.text : undefined;
  const apply = () => {
    if (text === undefined) return;
    const next = toAddress(text);
    setTyped({ text, kept: next });
    changeQuery({ [name]: next }, { isReplaced: true });
  };
  useEffect(() => {
    if (text === undefined || toAddress(text) === kept || !isReady(text)) return undefined;
    const timer = setTimeout(apply, pauseMs);
    return () => clearTimeout(timer);
  });
  return {
    text: text ?? toTyped(kept),
    onText: (next: string) => setTyped({ text: next, kept }),
    // A finished text waits for its pause, so that the list does not change under a click.
    onLeft: () => {
      if (text !== undefined && !isReady(text)) apply();
    },
  };
}

interface TextFilterProps extends FilterProps {
  readonly type?: "text" | "search";
  readonly placeholder?: string;
  readonly hint?: ReactNode;
  /** Whether the list follows each letter, because the page filters it itself. Default false. */
  readonly isInstant?: boolean;
}

export function TextFilter({ label, name, problems, type = "text", placeholder, hint, isInstant }: TextFilterProps) {
  const { text, onText, onLeft } = useTextFilter(name, isInstant ? { pauseMs: 0 } : {});
  return (
    <Field
      label={label}
      type={type}
      value={text}
      placeholder={placeholder}
      autoComplete="off"
      spellCheck={false}
      problem={problems[name]}
      hint={hint}
      onChange={({ target }) => onText(target.value)}
      onBlur={onLeft}
    />
  );
}

/** An amount in the major unit. */
export function AmountFilter({ label, name, problems, money }: FilterProps & { readonly money: Currency }) {
  const { text, onText, onLeft } = useTextFilter(name, {
    toAddress: (typed) => toAddressAmount(typed, money),
    toTyped: (kept) => toTypedAmount(kept, money),
  });
  return (
    <Field
      label={label}
      inputMode="decimal"
      autoComplete="off"
      value={text}
      problem={problems[name]}
      onChange={({ target }) => onText(target.value)}
      onBlur={onLeft}
    />
  );
}

/** A day in the browser's time zone. */
export function DayFilter({ label, name, problems }: FilterProps) {
  const { text, onText, onLeft } = useTextFilter(name, { toTyped: toTypedDay });
  return (
    <Field
      label={label}
      type="date"
      value={text}
      problem={problems[name]}
      onChange={({ target }) => onText(target.value)}
      onBlur={onLeft}
    />
  );
}

/** An account by its name or number. */
export function AccountFilter({
  label,
  name,
  problems,
  accounts,
}: FilterProps & { readonly accounts: ReadonlyMap<bigint, Account> }) {
  const { text, onText, onLeft } = useTextFilter(name, {
    isReady: (typed) => typed.trim() === "" || readId(typed) !== undefined,
  });
  return (
    <AccountPicker
      label={label}
      name={name}
      accounts={[...accounts.values()]}
      text={text}
      onText={onText}
      onLeft={onLeft}
      problem={problems[name]}
    />
  );
}

interface ChoiceFilterProps extends FilterProps {
  /** The choice of all, such as "Any state". */
  readonly any: string;
  readonly choices: readonly string[];
  /** The parameter's text for a choice. Default: in lower case. */
  toAddress?(choice: string): string;
}

export function ChoiceFilter({ label, name, problems, any, choices, toAddress = wordOf }: ChoiceFilterProps) {
  const kept = useQueryOfAddress().get(name) ?? "";
  return (
    <SelectField
      label={label}
      value={problems[name] === undefined ? kept : ""}
      problem={problems[name] && `${problems[name]} It is ignored.`}
      onChange={({ target }) => changeQuery({ [name]: target.value })}
      choices={[{ value: "", label: any }, ...choices.map((choice) => ({ value: toAddress(choice), label: choice }))]}
    />
  );
}

/** Removes filters from the address. */
export function ClearFilters({ names, children }: { readonly names: readonly string[]; readonly children: ReactNode }) {
  return (
    <button
      type="button"
      className="quiet"
      onClick={() => changeQuery(Object.fromEntries(names.map((name) => [name, ""])))}
    >
      {children}
    </button>
  );
}

/** Filters that are needed less often. They open when the address gets one of them, so no filter is hidden. */
export function MoreFilters({
  summary,
  names,
  children,
}: {
  readonly summary: string;
  readonly names: readonly string[];
  readonly children: ReactNode;
}) {
  const query = useQueryOfAddress();
  const isUsed = names.some((name) => query.has(name));
  const [isOpen, setOpen] = useState(isUsed);
  const [wasUsed, setUsed] = useState(isUsed);
  if (isUsed !== wasUsed) {
    setUsed(isUsed);
    if (isUsed) setOpen(true);
  }
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{summary}</summary>
      <div className="filters">{children}</div>
    </details>
  );
}
