import type { Account } from "@finance-service/client";
import { type KeyboardEvent, useId, useState } from "react";
import { Note, noted } from "../components/field.tsx";
import { Sum } from "../components/sum.tsx";
import { readId } from "../route.ts";

interface AccountPickerProps {
  readonly label: string;
  readonly name: string;
  /** The suggestions. People can also type the number of any other account. */
  readonly accounts: readonly Account[];
  /** An account's number, or unfinished text. */
  readonly text: string;
  onText(text: string): void;
  /** Called when the field loses the focus. */
  onLeft(): void;
  readonly problem?: string | undefined;
  readonly hint?: string | undefined;
  readonly readOnly?: boolean;
}

const SHOWN_MAX = 8;

/**
 * A text field for an account's name or number, with suggestions below.
 * https://www.w3.org/WAI/ARIA/apg/patterns/combobox/
 */
export function AccountPicker({
  label,
  name,
  accounts,
  text,
  onText,
  onLeft,
  problem,
  hint,
  readOnly,
}: AccountPickerProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const chosenId = readId(text);
  const chosen = accounts.find((account) => account.id === chosenId);
  const find = () => accounts.filter((account) => matches(account, text)).slice(0, SHOWN_MAX);
  // A journal has many closed pickers.
  const found = isOpen ? find() : [];
  const isShown = found.length > 0 && found[0] !== chosen;
  const optionId = (index: number) => `${id}-option-${index}`;

  const close = () => {
    setOpen(false);
    setActive(-1);
  };
  const choose = (account: Account) => {
    onText(`${account.id}`);
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (readOnly) return;
    if (move !== undefined) {
      event.preventDefault();
      setOpen(true);
      const from = active < 0 && move < 0 ? 0 : active;
      const { length } = find();
      setActive((from + move + length) % Math.max(1, length));
    } else if (event.key === "Enter" && isShown && found[active] !== undefined) {
      event.preventDefault();
      choose(found[active]);
    } else if (event.key === "Escape" && isShown) {
      event.preventDefault();
      close();
    }
  };

  return (
    <div className="field picker">
      <label htmlFor={id}>{label}</label>
      <input
        {...noted(id, problem)}
        name={name}
        role="combobox"
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isShown && active >= 0 ? optionId(active) : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder="Name or number"
        readOnly={readOnly}
        value={text}
        onChange={({ target }) => {
          onText(target.value);
          setOpen(true);
          setActive(-1);
        }}
        onClick={() => setOpen(!readOnly)}
        onBlur={() => {
          close();
          onLeft();
        }}
        onKeyDown={onKeyDown}
      />
      <div id={`${id}-list`} role="listbox" aria-label="Suggestions" hidden={!isShown}>
        {isShown &&
          found.map((account, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the text field has the focus and handles the keys
            <div
              key={`${account.id}`}
              id={optionId(index)}
              role="option"
              tabIndex={-1}
              aria-selected={index === active}
              // Keep the focus in the field: otherwise the list would close before the click.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(account)}
            >
              <span>
                {account.name} <span className="muted">No. {`${account.id}`}</span>
              </span>
              <span className="muted">
                <Sum minor={account.availableBalance} money={account} />
              </span>
            </div>
          ))}
      </div>
      <Note of={id} problem={problem} hint={chosen ? [chosen.name, hint].filter(Boolean).join(" · ") : hint} />
    </div>
  );
}

function matches({ id, name }: Account, text: string): boolean {
  const sought = text.trim().toLocaleLowerCase();
  return readId(sought) === undefined ? name.toLocaleLowerCase().includes(sought) : `${id}`.startsWith(sought);
}
