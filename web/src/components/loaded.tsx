import type { ReactNode } from "react";
import { ProblemNote } from "./problem-note.tsx";

/** The parts of a query's result that are used here; both kinds of queries of TanStack have them. */
interface Query<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  readonly failureReason: Error | null;
  refetch(): unknown;
}

interface LoadedProps<Data> {
  readonly query: Query<Data>;
  /** As "the account". */
  readonly what: string;
  children(data: Data): ReactNode;
}

/** What a query answered: loading at first, then the data, and below it a problem while there is one. */
export function Loaded<Data>({ query, what, children }: LoadedProps<Data>) {
  const { data, refetch } = query;
  // A call that is being retried has failed too.
  const problem = query.error ?? query.failureReason;
  return (
    <>
      {data === undefined && problem === null && <Loading what={what} />}
      {data !== undefined && children(data)}
      {problem !== null && <ProblemNote problem={problem} onRetry={() => void refetch()} />}
    </>
  );
}

/** Appears only once loading takes long enough to be noticed. */
function Loading({ what }: { readonly what: string }) {
  return (
    <p className="loading" role="status">
      Loading {what}…
    </p>
  );
}
