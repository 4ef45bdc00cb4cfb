import { useEffect } from "react";
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
