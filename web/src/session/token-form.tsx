import { createClient, FinanceError, listAccounts } from "@finance-service/client";
import { type FormEvent, useRef, useState } from "react";
import { Field } from "../components/field.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import type { Settings } from "../settings.ts";
import { readToken } from "./token.ts";

interface TokenFormProps {
  readonly settings: Settings;
  /** Called with a token that the service accepts. */
  onSignIn(token: string): void;
}

/** Asks for a bearer token and tries it with one call before it is used. */
export function TokenForm({ settings, onSignIn }: TokenFormProps) {
  const [text, setText] = useState("");
  const [mistake, setMistake] = useState<string>();
  const [problem, setProblem] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { developmentToken } = settings;

  const refuse = (text: string) => {
    setMistake(text);
    field.current?.focus();
  };

  const signIn = async (token: string) => {
    setBusy(true);
    setMistake(undefined);
    setProblem(undefined);
    const failure = await tryToken(settings, token);
    setBusy(false);
    if (failure === undefined) onSignIn(token);
    else if (failure.code === "unauthenticated") refuse(`The service refused the token: ${failure.message}.`);
    else setProblem(failure);
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = readToken(text);
    if (token !== undefined) void signIn(token);
    else
      refuse(
        text.trim() === ""
          ? "Paste a token."
          : "This is not a bearer token: it contains spaces or characters that no token has.",
      );
  };

  return (
    <form className="stack" onSubmit={submit} noValidate>
      <Field
        ref={field}
        label="Bearer token"
        name="token"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setMistake(undefined);
        }}
        problem={mistake}
        hint="Kept in this tab only. npm run token makes one."
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      <div className="actions">
        <button type="submit" disabled={busy}>
          Sign in
        </button>
        {developmentToken !== undefined && (
          <button type="button" className="quiet" disabled={busy} onClick={() => void signIn(developmentToken)}>
            Use the development token
          </button>
        )}
      </div>
      {problem && <ProblemNote problem={problem} />}
    </form>
  );
}

/** @returns undefined if the token works, even if its caller may not list accounts. */
async function tryToken({ apiUrl, twirpPrefix }: Settings, token: string): Promise<FinanceError | undefined> {
  const client = createClient({ listAccounts }, { baseUrl: apiUrl, prefix: twirpPrefix, token });
  try {
    await client.listAccounts({ pageSize: 1 });
    return undefined;
  } catch (error) {
    if (!(error instanceof FinanceError)) throw error;
    return error.code === "permission_denied" ? undefined : error;
  }
}
