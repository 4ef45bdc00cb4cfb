import { type ComponentProps, type ReactNode, useId } from "react";

interface Labelled {
  readonly label: string;
  /** Shown before the hint if the value is wrong. */
  readonly problem?: string | undefined;
  readonly hint?: ReactNode;
}

type FieldProps = Omit<ComponentProps<"input">, "id" | "children"> & Labelled;

/** A labelled input whose hint or problem a screen reader reads with it. */
export function Field({ label, problem, hint, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input {...input} {...noted(id, problem)} />
      <Note of={id} problem={problem} hint={hint} />
    </div>
  );
}

interface Choice {
  readonly value: string | number;
  readonly label: string;
}

type SelectFieldProps = Omit<ComponentProps<"select">, "id" | "children"> &
  Labelled & { readonly choices: readonly Choice[] };

/** A labelled select with a hint or problem. */
export function SelectField({ label, problem, hint, choices, ...select }: SelectFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select {...select} {...noted(id, problem)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
      <Note of={id} problem={problem} hint={hint} />
    </div>
  );
}

/** The attributes that connect a control with its label and its note. */
export function noted(id: string, problem: string | undefined) {
  return { id, "aria-describedby": `${id}-note`, "aria-invalid": problem !== undefined } as const;
}

interface NoteProps extends Pick<Labelled, "problem" | "hint"> {
  /** The id of the control. */
  readonly of: string;
}

export function Note({ of, problem, hint }: NoteProps) {
  return (
    <p id={`${of}-note`} className="hint" aria-live="polite">
      {problem && <span className="wrong">{problem}</span>} {hint}
    </p>
  );
}
