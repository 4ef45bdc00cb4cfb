import { type ReactNode, useId, useLayoutEffect, useRef } from "react";

interface DialogProps {
  readonly title: string;
  /** Absent: it can't be dismissed. */
  readonly onClose?: () => void;
  /** Has room for lines of code. Default false. */
  readonly isBroad?: boolean;
  readonly children: ReactNode;
}

/** A modal dialog: the rest of the page is inert while it is open. */
export function Dialog({ title, onClose, isBroad = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const headingId = useId();
  // Closed before it is removed, the dialog returns the focus to the button that opened it.
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={isBroad ? "card broad" : "card"}
      aria-labelledby={headingId}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <h2 id={headingId}>{title}</h2>
      {children}
    </dialog>
  );
}

interface DialogActionsProps {
  /** The label of the button that does it. */
  readonly confirm: string;
  readonly isDangerous?: boolean;
  /** Whether the action is running. */
  readonly isBusy: boolean;
  /** Absent: the button submits its form. */
  onConfirm?(): void;
  onCancel(): void;
}

/** A dialog's buttons. Cancel is first, so that it has the focus in a dialog without fields, and Enter does nothing. */
export function DialogActions({ confirm, isDangerous = false, isBusy, onConfirm, onCancel }: DialogActionsProps) {
  return (
    <div className="actions">
      <button type="button" className="quiet" onClick={onCancel}>
        Cancel
      </button>
      <button
        type={onConfirm ? "button" : "submit"}
        className={isDangerous ? "danger" : ""}
        aria-disabled={isBusy}
        onClick={(event) => {
          // The second half of a double click was meant for the button that opened the dialog.
          if (event.detail > 1 || isBusy) event.preventDefault();
          else onConfirm?.();
        }}
      >
        {confirm}
      </button>
    </div>
  );
}
