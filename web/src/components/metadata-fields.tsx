import { useId, useRef } from "react";
import { Field, Note } from "./field.tsx";
import { KEY_LENGTH_MAX, PAIRS_MAX, type Pair, problemsOfPairs, VALUE_LENGTH_MAX } from "./metadata-pairs.ts";
import { useRowFocus } from "./use-row-focus.ts";

interface MetadataFieldsProps {
  readonly pairs: readonly Pair[];
  onPairs(pairs: readonly Pair[]): void;
  /** Whether to show the problems of the rows. */
  readonly isChecked: boolean;
  /** Called when the focus moves to another field. */
  onLeft(): void;
  /** Shown unless a row has a problem. */
  readonly problem?: string | undefined;
}

/** Rows of keys and values that people add and remove. */
export function MetadataFields({ pairs, onPairs, isChecked, onLeft, problem }: MetadataFieldsProps) {
  const id = useId();
  const fields = useRef<HTMLFieldSetElement>(null);
  useRowFocus(fields, pairs.length, ".metadata-pair");
  const problems = isChecked ? problemsOfPairs(pairs) : [];
  const isAtRow = problems.some((problem) => Object.keys(problem).length > 0);
  const change = (index: number, part: Partial<Pair>) =>
    onPairs(pairs.map((pair, at) => (at === index ? { ...pair, ...part } : pair)));
  return (
    <fieldset
      ref={fields}
      className="pairs"
      aria-describedby={`${id}-note`}
      onBlur={({ currentTarget, relatedTarget }) => {
        // A problem that appears while a button is being pressed would move the button away.
        if (relatedTarget instanceof HTMLInputElement && !currentTarget.contains(relatedTarget)) onLeft();
      }}
    >
      <legend>Metadata</legend>
      <Note
        of={id}
        problem={isAtRow ? undefined : problem}
        hint={pairs.length === 0 && "Pairs of a key and a value, such as invoice: 2026-17"}
      />
      {pairs.map(({ key, value }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the fields hold no state of their own
        <fieldset key={index} className="metadata-pair" aria-label={`Pair ${index + 1}`}>
          <Field
            label="Key"
            value={key}
            onChange={({ target }) => change(index, { key: target.value })}
            problem={problems[index]?.key}
            maxLength={KEY_LENGTH_MAX}
            autoComplete="off"
            spellCheck={false}
          />
          <Field
            label="Value"
            value={value}
            onChange={({ target }) => change(index, { value: target.value })}
            problem={problems[index]?.value}
            maxLength={VALUE_LENGTH_MAX}
            autoComplete="off"
          />
          <button
            type="button"
            className="plain"
            aria-label={`Remove pair ${index + 1}`}
            onClick={() => onPairs(pairs.filter((_, at) => at !== index))}
          >
            Remove
          </button>
        </fieldset>
      ))}
      {pairs.length < PAIRS_MAX && (
        <button
          type="button"
          className="quiet alone-in-row"
          onClick={() => onPairs([...pairs, { key: "", value: "" }])}
        >
          Add a pair
        </button>
      )}
    </fieldset>
  );
}
