import { useCallback, useMemo, useState } from "react";
import { createApi } from "./api.ts";
import { Console } from "./console.tsx";
import { useLoaded } from "./loading.ts";
import { Loading } from "./loading-note.tsx";
import { ProblemNote } from "./problem-note.tsx";
import { forgetToken, loadToken, storeToken } from "./session.ts";
import { loadSettings, type Settings } from "./settings.ts";
import { SignIn } from "./sign-in.tsx";

export function App() {
  const { value: settings, problem, reload } = useLoaded(loadSettings);
  if (settings !== undefined) return <Session settings={settings} />;
  return (
    <main className="alone">
      {problem === undefined ? <Loading what="the console" /> : <ProblemNote problem={problem} onRetry={reload} />}
    </main>
  );
}

interface SessionState {
  readonly token: string | undefined;
  /** Why the last token was turned away. */
  readonly reason?: string;
}

/** Signed in, or on the way there. */
function Session({ settings }: { readonly settings: Settings }) {
  const [{ token, reason }, setSession] = useState<SessionState>(() => ({ token: loadToken() }));

  const signIn = (token: string) => {
    storeToken(token);
    setSession({ token });
  };
  const signOut = useCallback(() => {
    forgetToken();
    setSession({ token: undefined });
  }, []);

  const api = useMemo(() => {
    if (token === undefined) return undefined;
    return createApi(settings, token, (reason) => {
      // A late answer to an old token must not end a new session.
      if (loadToken() !== token) return;
      forgetToken();
      setSession({ token: undefined, reason });
    });
  }, [settings, token]);

  if (token === undefined || api === undefined) return <SignIn settings={settings} reason={reason} onSignIn={signIn} />;
  return <Console key={token} api={api} token={token} apiUrl={settings.apiUrl} onSignOut={signOut} />;
}
