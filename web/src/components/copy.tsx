import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { Icon } from "./icon.tsx";

interface CopyableProps {
  readonly text: string;
  /** As "the account number". */
  readonly what: string;
}

/** A text with a small button that copies it. */
export function Copyable({ text, what }: CopyableProps) {
  const shown = useRef<HTMLSpanElement>(null);
  return (
    <span className="copyable">
      <span ref={shown}>{text}</span>
      <CopyButton className="plain icon-only" shown={shown} label={`Copy ${what}`}>
        {(isCopied) => <Icon name={isCopied ? "done" : "copy"} />}
      </CopyButton>
    </span>
  );
}

interface CopyButtonProps {
  readonly className: string;
  /** The element whose text is copied. */
  readonly shown: RefObject<HTMLElement | null>;
  /** Absent: the button's words say it. */
  readonly label?: string;
  children(isCopied: boolean): ReactNode;
}

const SAID_MS = 4000;

/** Copies a text of the page. If the browser refuses, it selects the text, so that the keys for it work. Both are announced. */
export function CopyButton({ className, shown, label, children }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<"copied" | "selected">();
  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    const { current } = shown;
    if (current === null) return;
    try {
      await navigator.clipboard.writeText(current.textContent);
      setOutcome("copied");
    } catch {
      // Without HTTPS there is no clipboard, and browsers may ask people, who may refuse.
      window.getSelection()?.selectAllChildren(current);
      setOutcome("selected");
    }
  };
  return (
    <>
      <button type="button" className={className} aria-label={label} onClick={() => void copy()}>
        {children(outcome === "copied")}
      </button>
      <span role="status" className={outcome === "selected" ? "muted" : "unseen"}>
        {outcome === "copied" && "Copied"}
        {outcome === "selected" && "Selected: press Ctrl+C or ⌘C"}
      </span>
    </>
  );
}
