import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Loading } from "./components/loading.tsx";
import { ProblemNote } from "./components/problem-note.tsx";
import { SessionProvider } from "./session/session-provider.tsx";
import { loadSettings } from "./settings.ts";
import { Shell } from "./shell/shell.tsx";

/** For what belongs to no session; a session has a cache of its own, which goes with it. */
const outsideSessions = new QueryClient();

export function App() {
  return (
    <QueryClientProvider client={outsideSessions}>
      <Console />
    </QueryClientProvider>
  );
}

function Console() {
  const {
    data: settings,
    error,
    refetch,
  } = useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => loadSettings(signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (settings !== undefined) {
    return (
      <SessionProvider settings={settings}>
        <Shell />
      </SessionProvider>
    );
  }
  return (
    <main className="alone">
      {error === null ? <Loading what="the console" /> : <ProblemNote problem={error} onRetry={() => void refetch()} />}
    </main>
  );
}
