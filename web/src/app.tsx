import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Loaded } from "./components/loaded.tsx";
import { SessionProvider } from "./session/session-provider.tsx";
import { loadSettings } from "./settings.ts";
import { Shell } from "./shell/shell.tsx";

/** For queries outside of a session. Each session has its own cache, which is dropped with it. */
const outsideSessions = new QueryClient();

export function App() {
  return (
    <QueryClientProvider client={outsideSessions}>
      <Console />
    </QueryClientProvider>
  );
}

function Console() {
  const query = useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => loadSettings(signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (query.data !== undefined) {
    return (
      <SessionProvider settings={query.data}>
        <Shell />
      </SessionProvider>
    );
  }
  return (
    <main className="alone">
      <Loaded query={query} what="the console">
        {() => null}
      </Loaded>
    </main>
  );
}
