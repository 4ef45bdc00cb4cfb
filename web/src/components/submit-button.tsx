import type { ReactNode } from "react";

interface SubmitButtonProps {
  readonly isBusy: boolean;
  /** Whether it can't be used yet. Default: false. */
  readonly isWaiting?: boolean;
  readonly children: ReactNode;
}

/** Submits its form, unless the form is busy or waits for data. */
export function SubmitButton({ isBusy, isWaiting = false, children }: SubmitButtonProps) {
  return (
    <button
      type="submit"
      aria-disabled={isBusy || isWaiting}
      onClick={(event) => {
        // The second half of a double click may come after the reply and must not submit the changed form.
        if (event.detail > 1 || isBusy || isWaiting) event.preventDefault();
      }}
    >
      {isBusy ? "Sending…" : children}
    </button>
  );
}
