import { type FormEvent, useEffect, useRef, useState } from "react";
import { Field } from "./field.tsx";
import type { Settings } from "./settings.ts";
import { readToken } from "./token.ts";

interface SignInProps {
  readonly settings: Settings;
  /** Why the last token was turned away. */
  readonly reason: string | undefined;
  onSignIn(token: string): void;
}

export function SignIn({ settings, reason, onSignIn }: SignInProps) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState(reason && `The service turned the token away: ${reason}.`);
  const field = useRef<HTMLInputElement>(null);
  const { developmentToken } = settings;

  useEffect(() => {
    document.title = "Sign in · Finance console";
    if (reason !== undefined) field.current?.focus();
  }, [reason]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = readToken(text);
    if (token !== undefined) return onSignIn(token);
    setProblem(text.trim() === "" ? "Paste a token." : "This is not a bearer token: it holds other signs or spaces.");
    field.current?.focus();
  };

  return (
    <main className="alone">
      <h1>Finance console</h1>
      <p className="muted">
        This page calls the finance service at <code>{settings.apiUrl}</code> from another origin, with a bearer token.
      </p>
      <form className="card" onSubmit={submit} noValidate>
        <Field
          ref={field}
          label="Bearer token"
          name="token"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(undefined);
          }}
          problem={problem}
          hint="Kept in this tab only. npm run token mints one."
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <div className="actions">
          <button type="submit">Sign in</button>
          {developmentToken !== undefined && (
            <button type="button" className="quiet" onClick={() => onSignIn(developmentToken)}>
              Use the development token
            </button>
          )}
        </div>
      </form>
    </main>
  );
}
