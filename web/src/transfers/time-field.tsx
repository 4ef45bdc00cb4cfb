import { Field } from "../components/field.tsx";
import { LOCAL_TIME_MAX, readLocalTime, zonedTimeOf, zoneHint } from "./local-time.ts";

interface TimeFieldProps {
  readonly label: string;
  readonly name: string;
  /** See local-time.ts. */
  readonly text: string;
  onText(text: string): void;
  onLeft(): void;
  readonly problem: string | undefined;
  /** Shown while the field is empty. */
  readonly hint?: string;
  readonly readOnly: boolean;
}

/** A date and time in the user's time zone, which the hint names. */
export function TimeField({ label, name, text, onText, onLeft, problem, hint, readOnly }: TimeFieldProps) {
  const time = readLocalTime(text);
  return (
    <Field
      label={label}
      name={name}
      type="datetime-local"
      max={LOCAL_TIME_MAX}
      value={text}
      onChange={({ target }) => onText(target.value)}
      onBlur={onLeft}
      problem={problem}
      hint={time === undefined ? [hint, zoneHint].filter(Boolean).join(". ") : zonedTimeOf(time)}
      readOnly={readOnly}
    />
  );
}

/** The problems of fields with a part of a date, by name. Browsers report their value as empty, so they would be ignored. */
export function unfinishedTimes(form: HTMLFormElement | null): Readonly<Record<string, string>> {
  const fields = [...(form?.querySelectorAll<HTMLInputElement>("input[type=datetime-local]") ?? [])];
  const unfinished = fields.filter(({ validity }) => validity.badInput);
  return Object.fromEntries(unfinished.map(({ name }) => [name, "Complete the date and time, or clear them."]));
}
