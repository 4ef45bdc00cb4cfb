import { toJson } from "@finance-service/client";
import { type QueryKey, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { CopyButton } from "../components/copy.tsx";
import { Dialog } from "../components/dialog.tsx";
import { Loaded } from "../components/loaded.tsx";
import { useSession } from "../session/session.ts";
import { axiosOf, clientOf, curlOf } from "./call-code.ts";
import { type Read, type RecordedCall, recordCall } from "./recorded-call.ts";

interface CallButtonProps {
  readonly read: Read;
  /** The start of the query's key: events that touch it fetch the reply again. */
  readonly queryKey: QueryKey;
}

/** Opens a dialog with the API call that shows what the page shows: its reply, and code that makes it elsewhere. */
export function CallButton({ read, queryKey }: CallButtonProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="plain" onClick={() => setOpen(true)}>
        API call
      </button>
      {isOpen && <CallDialog read={read} queryKey={queryKey} onClose={() => setOpen(false)} />}
    </>
  );
}

interface Form {
  readonly word: string;
  readonly hint: string;
  textOf(call: RecordedCall): string;
}

const NO_TOKEN = "It has no token: put one into the variable TOKEN, as in export TOKEN=…";

const JSON_REPLY: Form = {
  word: "JSON",
  hint: "The reply of the service. Every int64 is a string, so that no digit is lost.",
  textOf: ({ reply }) => reply,
};
const FORMS: readonly Form[] = [
  JSON_REPLY,
  { word: "curl", hint: `For bash. ${NO_TOKEN}`, textOf: curlOf },
  { word: "axios", hint: `For Node, as a module. ${NO_TOKEN}`, textOf: axiosOf },
  { word: "Client", hint: `For Node, as a module. ${NO_TOKEN}`, textOf: clientOf },
];

interface CallDialogProps extends CallButtonProps {
  onClose(): void;
}

function CallDialog({ read, queryKey, onClose }: CallDialogProps) {
  const { connection } = useSession();
  const [form, setForm] = useState(JSON_REPLY);
  const shown = useRef<HTMLPreElement>(null);
  const query = useQuery({
    queryKey: [...queryKey, "call", read.method.name, JSON.stringify(toJson(read.request))],
    queryFn: ({ signal }) => recordCall(connection, read, signal),
  });
  return (
    <Dialog title={read.method.name} isBroad onClose={onClose}>
      <fieldset className="choices">
        <legend className="unseen">Show it as</legend>
        {FORMS.map((candidate) => (
          <button
            key={candidate.word}
            type="button"
            aria-pressed={candidate === form}
            onClick={() => setForm(candidate)}
          >
            {candidate.word}
          </button>
        ))}
      </fieldset>
      <p className="muted">{form.hint}</p>
      <Loaded query={query} what="the call">
        {(call) => (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
          <section className="code" aria-label={form.word} tabIndex={0}>
            <pre ref={shown}>{form.textOf(call)}</pre>
          </section>
        )}
      </Loaded>
      <div className="actions">
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
        {query.data && (
          <CopyButton className="" shown={shown}>
            {(isCopied) => (isCopied ? "Copied" : "Copy")}
          </CopyButton>
        )}
      </div>
    </Dialog>
  );
}
