import { type ComponentProps, type ReactNode, useId } from "react";

interface FieldProps extends Omit<ComponentProps<"input">, "id" | "children"> {
  readonly label: string;
  /** What is wrong with the value; shown before the hint. */
  readonly problem?: string | undefined;
  readonly hint?: ReactNode;
}

/** A labelled input whose hint or problem a screen reader reads with it. */
export function Field({ label, problem, hint, ...input }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input {...input} id={id} aria-describedby={noteId} aria-invalid={problem !== undefined} />
      <p id={noteId} className="hint" aria-live="polite">
        {problem && <span className="wrong">{problem}</span>} {hint}
      </p>
    </div>
  );
}
