import { useEffect } from "react";
import { Dialog } from "../components/dialog.tsx";
import type { Settings } from "../settings.ts";
import { TokenForm } from "./token-form.tsx";

interface SignInProps {
  readonly settings: Settings;
  onSignIn(token: string): void;
}

export function SignIn({ settings, onSignIn }: SignInProps) {
  useEffect(() => {
    document.title = "Sign in · Finance console";
  }, []);
  return (
    <main className="alone">
      <h1>Finance console</h1>
      <p className="muted">
        This page calls the finance service at <code>{settings.apiUrl}</code> from another origin, with a bearer token.
      </p>
      <div className="card">
        <TokenForm settings={settings} onSignIn={onSignIn} />
      </div>
      <p className="muted">
        No answer? <a href="#/connection">Check the connection</a>
      </p>
    </main>
  );
}

interface SignInAgainProps extends SignInProps {
  /** Why the service refused the last token. */
  readonly refusal: string;
}

/** A dialog above the page that asks for a new token. */
export function SignInAgain({ settings, refusal, onSignIn }: SignInAgainProps) {
  return (
    <Dialog title="Sign in again">
      <p>The service refused the token: {refusal}. Everything you typed on this page is kept.</p>
      <TokenForm settings={settings} onSignIn={onSignIn} />
    </Dialog>
  );
}
