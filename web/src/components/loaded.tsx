import { type ReactNode, useState } from "react";
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

interface SettledProps {
  readonly queries: readonly Omit<Query<unknown>, "refetch">[];
  /** As "the account". */
  readonly what: string;
  readonly children: ReactNode;
}

/** Shows its children once every query has an answer or a problem, so that nothing moves when one of them arrives late. */
export function Settled({ queries, what, children }: SettledProps) {
  const [wasSettled, setSettled] = useState(false);
  const isSettled = queries.every(({ data, error, failureReason }) => data !== undefined || (error ?? failureReason));
  // A query that failed and is fetched again has neither for a moment: what was typed below must stay.
  if (isSettled && !wasSettled) setSettled(true);
  return isSettled || wasSettled ? children : <Loading what={what} />;
}

/** Grey lines in the place of the data. They appear only once loading takes long enough to be noticed. */
function Loading({ what }: { readonly what: string }) {
  return (
    <div className="loading skeleton" role="status">
      <span className="unseen">Loading {what}…</span>
    </div>
  );
}
