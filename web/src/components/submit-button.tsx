import type { ReactNode } from "react";

interface SubmitButtonProps {
  readonly isBusy: boolean;
  readonly children: ReactNode;
}

/** Submits its form, unless the form is busy. */
export function SubmitButton({ isBusy, children }: SubmitButtonProps) {
  return (
    <button
      type="submit"
      aria-disabled={isBusy}
      onClick={(event) => {
        // The second half of a double click may come after the reply and must not submit the changed form.
        if (event.detail > 1 || isBusy) event.preventDefault();
      }}
    >
      {isBusy ? "Sending…" : children}
    </button>
  );
}
