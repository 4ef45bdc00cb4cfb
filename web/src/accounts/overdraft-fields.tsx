import { Field } from "../components/field.tsx";
import type { OverdraftValues } from "./account-values.ts";

interface OverdraftFieldsProps {
  readonly values: OverdraftValues;
  readonly problem: string | undefined;
  onChange(change: Partial<OverdraftValues>): void;
}

/** How far an account may be overdrawn. */
export function OverdraftFields({ values, problem, onChange }: OverdraftFieldsProps) {
  return (
    <>
      <Field
        label="Overdraft"
        name="overdraft"
        value={values.overdraft}
        onChange={({ target }) => onChange({ overdraft: target.value })}
        problem={problem}
        hint={values.unlimited ? "" : "How far the balance may go below zero. Leave it empty to allow none"}
        inputMode="decimal"
        disabled={values.unlimited}
        autoComplete="off"
      />
      <label className="check">
        <input
          type="checkbox"
          checked={values.unlimited}
          onChange={({ target }) => onChange({ unlimited: target.checked })}
        />
        Unlimited, for an account that represents a bank or the owners' equity
      </label>
    </>
  );
}
