import { useEffect, useRef, useState } from "react";
import { Dialog } from "../components/dialog.tsx";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";

/** The pages that G and another key open. */
const PAGES = [
  { key: "o", href: paths.overview, name: "Overview" },
  { key: "a", href: paths.accounts, name: "Accounts" },
  { key: "t", href: paths.activity, name: "Activity" },
  { key: "h", href: paths.holds, name: "Holds" },
  { key: "c", href: paths.connection, name: "Connection" },
] as const;

/** The second key of two must follow this soon. */
const SEQUENCE_MS = 1500;

const STORED = "finance-shortcuts";

/** Whether the shortcuts of single keys are on. https://www.w3.org/TR/WCAG22/#character-key-shortcuts */
function loadShortcuts(): boolean {
  return localStorage.getItem(STORED) !== "off";
}

interface Shortcuts {
  onFind(): void;
  onHelp(): void;
}

/** Opens pages, the search and the list of shortcuts by keys, except while somebody types or a dialog is open. */
export function useShortcuts({ onFind, onHelp }: Shortcuts): void {
  const { may } = useSession();
  const firstAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const act = (key: string): boolean => {
      const isSecond = performance.now() - firstAt.current < SEQUENCE_MS;
      firstAt.current = Number.NEGATIVE_INFINITY;
      const page = isSecond ? PAGES.find((place) => place.key === key) : undefined;
      if (page !== undefined) window.location.hash = page.href;
      else if (key === "g") firstAt.current = performance.now();
      else if (key === "/") onFind();
      else if (key === "?") onHelp();
      else if (key === "n" && may.write) window.location.hash = paths.newTransfer();
      else return false;
      return true;
    };
    const onKeyDown = (event: KeyboardEvent) => {
      const { key, ctrlKey, metaKey, altKey, shiftKey, target } = event;
      if (event.defaultPrevented || event.isComposing || event.repeat) return;
      if (document.querySelector("dialog[open]") !== null) return;
      if (key.toLowerCase() === "k" && isCommand(event) && !altKey && !shiftKey) {
        event.preventDefault();
        onFind();
      } else if (!ctrlKey && !metaKey && !altKey && !isField(target) && loadShortcuts() && act(key)) {
        event.preventDefault();
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [onFind, onHelp, may.write]);
}

const isMac = /Mac|iP(?:hone|ad)/.test(navigator.platform);

/** On a Mac, Control and K delete the rest of a line. */
function isCommand({ ctrlKey, metaKey }: KeyboardEvent): boolean {
  return isMac ? metaKey && !ctrlKey : ctrlKey && !metaKey;
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** The list of the shortcuts, with a switch for those of single keys. */
export function ShortcutsDialog({ onClose }: { onClose(): void }) {
  const { may } = useSession();
  const [isOn, setOn] = useState(loadShortcuts);
  const list: readonly (readonly [keys: readonly string[], what: string])[] = [
    [["/"], "Find"],
    ...(may.write ? [[["n"], "New transfer"] as const] : []),
    ...PAGES.map(({ key, name }) => [["g", key], name] as const),
    [["?"], "This list"],
  ];
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="shortcuts">
        <Shortcut keys={[isMac ? "⌘ K" : "Ctrl K"]} what="Find, also while you type" />
        {isOn && list.map(([keys, what]) => <Shortcut key={what} keys={keys} what={what} />)}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={({ target }) => {
            localStorage.setItem(STORED, target.checked ? "on" : "off");
            setOn(target.checked);
          }}
        />
        Shortcuts of single keys
      </label>
      <div className="actions">
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function Shortcut({ keys, what }: { readonly keys: readonly string[]; readonly what: string }) {
  return (
    <div>
      <dt>{what}</dt>
      <dd>
        {keys.map((key, index) => (
          <span key={key}>
            {index > 0 && " then "}
            <kbd>{key}</kbd>
          </span>
        ))}
      </dd>
    </div>
  );
}
