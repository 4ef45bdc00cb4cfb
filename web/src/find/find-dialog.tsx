import type { Account, Transfer } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Dialog } from "../components/dialog.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { Sum } from "../components/sum.tsx";
import { knownAccountsQuery } from "../data/queries.ts";
import { useSettled } from "../data/use-settled.ts";
import { dateOf, stateOf, typeOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { accountsNamed, findQuery } from "./find.ts";

interface FindDialogProps {
  onClose(): void;
  /** Shows the keyboard shortcuts instead. */
  onShortcuts(): void;
}

interface Hit {
  /** The address of its page, which also tells it apart. */
  readonly href: string;
  readonly title: ReactNode;
  readonly note: ReactNode;
  readonly sum: ReactNode;
}

/**
 * One field that finds accounts by name or number, and transfers by number or idempotency key.
 * https://www.w3.org/WAI/ARIA/apg/patterns/combobox/
 */
export function FindDialog({ onClose, onShortcuts }: FindDialogProps) {
  const id = useId();
  const { finance } = useSession();
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<string>();
  const text = typed.trim();
  const settled = useSettled(text);
  const { data: known } = useQuery(knownAccountsQuery(finance));
  const isAsked = text !== "" && settled === text;
  const query = useQuery({ ...findQuery(finance, settled, known), enabled: isAsked && known !== undefined });
  // Answers to an earlier text are never shown.
  const found = isAsked ? query.data : undefined;
  const problem = isAsked ? (query.error ?? query.failureReason) : null;
  const hits = hitsOf(text, known?.accounts ?? [], found);
  const active = Math.max(
    0,
    hits.findIndex(({ href }) => href === chosen),
  );
  const optionId = (index: number) => `${id}-option-${index}`;

  const go = ({ href }: Hit) => {
    onClose();
    window.location.hash = href;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const hit = hits[active];
    if (move !== undefined) {
      event.preventDefault();
      setChosen(hits[(active + move + hits.length) % Math.max(1, hits.length)]?.href);
    } else if (event.key === "Enter" && hit !== undefined && !event.nativeEvent.isComposing) {
      event.preventDefault();
      go(hit);
    }
  };

  return (
    <Dialog title="Find" onClose={onClose}>
      <div className="find">
        <label htmlFor={id} className="unseen">
          Account, transfer or key
        </label>
        <input
          id={id}
          role="combobox"
          aria-expanded={hits.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={hits.length > 0 ? optionId(active) : undefined}
          aria-describedby={`${id}-status`}
          autoComplete="off"
          spellCheck={false}
          placeholder="Account, transfer or key"
          value={typed}
          onChange={({ target }) => {
            setTyped(target.value);
            setChosen(undefined);
          }}
          onKeyDown={onKeyDown}
        />
        <div id={`${id}-list`} role="listbox" aria-label="Found" hidden={hits.length === 0}>
          {hits.map((hit, index) => (
            <Option
              key={hit.href}
              id={optionId(index)}
              hit={hit}
              isActive={index === active}
              onChosen={() => go(hit)}
            />
          ))}
        </div>
        <p id={`${id}-status`} role="status" className="muted">
          <Status
            text={text}
            isSearching={text !== "" && found === undefined && problem === null}
            count={hits.length}
          />
        </p>
        {problem !== null && <ProblemNote problem={problem} />}
      </div>
      <div className="actions">
        <button type="button" className="plain" onClick={onShortcuts}>
          Keyboard shortcuts
        </button>
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

interface OptionProps {
  readonly id: string;
  readonly hit: Hit;
  readonly isActive: boolean;
  onChosen(): void;
}

function Option({ id, hit: { title, note, sum }, isActive, onChosen }: OptionProps) {
  const option = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isActive) option.current?.scrollIntoView({ block: "nearest" });
  }, [isActive]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the text field has the focus and handles the keys
    <div
      ref={option}
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isActive}
      // Keep the focus in the field.
      onMouseDown={(event) => event.preventDefault()}
      onClick={onChosen}
    >
      <span>
        {title} <span className="muted">{note}</span>
      </span>
      <span className="muted figure">{sum}</span>
    </div>
  );
}

interface StatusProps {
  readonly text: string;
  readonly isSearching: boolean;
  readonly count: number;
}

/** What was found, or else where nothing was found. */
function Status({ text, isSearching, count }: StatusProps) {
  const { finance, may } = useSession();
  const { data: known } = useQuery(knownAccountsQuery(finance));
  const places = [
    known?.isComplete === false ? "accounts by number and by the start of their name" : "accounts by number and name",
    "transfers by number",
    may.isAdmin ? "and transfers by idempotency key" : "and transfers that you made by idempotency key",
  ].join(", ");
  if (text === "") return <>Finds {places}.</>;
  if (isSearching) return <>Searching…</>;
  if (count > 0) return <>{count === 1 ? "1 result" : `${count} results`}</>;
  return (
    <>
      Nothing found for “{text}”. Searched {places}, as far as your token may see them.
    </>
  );
}

function hitsOf(
  text: string,
  known: readonly Account[],
  found: { readonly accounts: readonly Account[]; readonly transfers: readonly Transfer[] } | undefined,
): readonly Hit[] {
  const accounts = [...accountsNamed(text, known), ...(found?.accounts ?? [])].map((account) => ({
    href: paths.account(account.id),
    title: account.name,
    note: `Account ${account.id} · ${typeOf(account)}`,
    sum: <Sum minor={account.balance} money={account} />,
  }));
  const transfers = (found?.transfers ?? []).map((transfer) => ({
    href: paths.transfer(transfer.id),
    title: transfer.description || `Transfer ${transfer.id}`,
    note: [`Transfer ${transfer.id}`, stateOf(transfer), transfer.createdAt && dateOf(transfer.createdAt)]
      .filter(Boolean)
      .join(" · "),
    sum: <Sum minor={transfer.amount} money={transfer} />,
  }));
  // An account or a transfer can be found in two ways.
  return [...new Map([...accounts, ...transfers].map((hit) => [hit.href, hit])).values()];
}
