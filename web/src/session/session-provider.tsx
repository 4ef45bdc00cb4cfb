import { createFinanceClient, FinanceError } from "@finance-service/client";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ConnectionPage } from "../connection/connection-page.tsx";
import { usePath } from "../route.ts";
import type { Settings } from "../settings.ts";
import { permissionsOf } from "./permissions.ts";
import { SessionContext } from "./session.ts";
import { SignIn, SignInAgain } from "./sign-in.tsx";
import { forgetToken, loadToken, readClaims, storeToken } from "./token.ts";

interface SessionProviderProps {
  readonly settings: Settings;
  readonly children: ReactNode;
}

/**
 * Shows its children while somebody is signed in. When the service refuses the token, a dialog asks for a new one; the page
 * below stays as it is, so nothing that was typed is lost.
 */
export function SessionProvider({ settings, children }: SessionProviderProps) {
  const [entered, setEntered] = useState(loadEntered);
  const [refusal, setRefusal] = useState<string>();
  const path = usePath();

  const signIn = (next: string) => {
    storeToken(next);
    setRefusal(undefined);
    setEntered({ token: next });
  };

  const signOut = useCallback(() => {
    forgetToken();
    setRefusal(undefined);
    setEntered(undefined);
  }, []);

  if (entered === undefined) {
    if (path === "/connection") {
      return (
        <main>
          <ConnectionPage settings={settings} token={undefined} />
        </main>
      );
    }
    return <SignIn settings={settings} onSignIn={signIn} />;
  }
  return (
    <SignedIn
      // A session of another person starts empty.
      key={readClaims(entered.token).subject ?? entered.token}
      settings={settings}
      entered={entered}
      onRefused={setRefusal}
      onSignOut={signOut}
    >
      {children}
      {refusal !== undefined && <SignInAgain settings={settings} refusal={refusal} onSignIn={signIn} />}
    </SignedIn>
  );
}

/** A token, each time that somebody enters it: the service may accept one again that it refused. */
interface Entered {
  readonly token: string;
}

function loadEntered(): Entered | undefined {
  const token = loadToken();
  return token === undefined ? undefined : { token };
}

interface SignedInProps {
  readonly settings: Settings;
  readonly entered: Entered;
  /** Called with the reason when the service refuses the token. */
  onRefused(reason: string): void;
  onSignOut(): void;
  readonly children: ReactNode;
}

function SignedIn({ settings, entered, onRefused, onSignOut, children }: SignedInProps) {
  const [queries] = useState(() => createQueryClient(onRefused));
  const session = useMemo(() => {
    const { token } = entered;
    const claims = readClaims(token);
    const connection = { baseUrl: settings.apiUrl, prefix: settings.twirpPrefix, token };
    return {
      settings,
      connection,
      finance: createFinanceClient(connection),
      caller: claims.subject,
      may: permissionsOf(claims),
      signOut: onSignOut,
    };
  }, [settings, entered, onSignOut]);
  // Fetch again with the new token what the old one was refused.
  const used = useRef(entered);
  useEffect(() => {
    if (used.current === entered) return;
    used.current = entered;
    void queries.invalidateQueries();
  }, [queries, entered]);
  return (
    <QueryClientProvider client={queries}>
      <SessionContext value={session}>{children}</SessionContext>
    </QueryClientProvider>
  );
}

const RETRY_DELAY_MS_MAX = 5000;

function createQueryClient(onRefused: (reason: string) => void): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof FinanceError && error.code === "unauthenticated") onRefused(error.message);
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // A service on this machine is reachable without a network.
        networkMode: "always",
        staleTime: 2000,
        // The feed starts again when the tab is shown, and fetches everything.
        refetchOnWindowFocus: false,
        // Until the service is back the page keeps its data, and a banner says so.
        retry: (_, error) => error instanceof FinanceError && error.code === "unavailable",
        retryDelay: (failures) => Math.min(RETRY_DELAY_MS_MAX, 500 * 2 ** failures),
      },
      mutations: { networkMode: "always" },
    },
  });
}
