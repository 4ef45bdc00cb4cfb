import { type ReactNode, useId, useLayoutEffect, useRef } from "react";

interface DialogProps {
  readonly title: string;
  /** Absent: it can't be dismissed. */
  readonly onClose?: () => void;
  readonly children: ReactNode;
}

/** Something that must be settled before the page goes on; the rest of the page is out of reach meanwhile. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const headingId = useId();
  // Closed while it is still in the page, it hands the focus back to the button that opened it.
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="card"
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
  /** The button that does it. */
  readonly confirm: string;
  readonly isDangerous?: boolean;
  /** It is being done. */
  readonly isBusy: boolean;
  /** Absent: the button submits the form that it is in. */
  onConfirm?(): void;
  onCancel(): void;
}

/** The ways out of a dialog. Cancel is first: a dialog without fields opens with the focus there, so that Enter does nothing. */
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
          // The second click of a double click was meant for the button that opened the dialog.
          if (event.detail > 1 || isBusy) event.preventDefault();
          else onConfirm?.();
        }}
      >
        {confirm}
      </button>
    </div>
  );
}
