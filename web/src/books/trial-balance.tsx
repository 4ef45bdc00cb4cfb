import type { CurrencyTrialBalance } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
import { currencyNamed } from "../components/currencies.ts";
import { Loading } from "../components/loading.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { Sum } from "../components/sum.tsx";
import { trialBalanceQuery } from "../data/queries.ts";
import { timeOf } from "../labels.ts";
import { useSession } from "../session/session.ts";

/** The service's proof that every currency's debits equal its credits; for admins only. */
export function TrialBalance() {
  const { finance } = useSession();
  const { data, error, failureReason, refetch } = useQuery(trialBalanceQuery(finance));
  const problem = error ?? failureReason;
  return (
    <section aria-labelledby="trial-heading">
      <h2 id="trial-heading">Trial balance</h2>
      {data === undefined && problem === null && <Loading what="the trial balance" />}
      {data !== undefined && data.currencies.length === 0 && <p className="empty">There is nothing to prove yet.</p>}
      {data?.currencies.map((proof) => (
        <Proof key={proof.currency} proof={proof} />
      ))}
      {data?.asOf && data.currencies.length > 0 && (
        <p className="muted">Every balance added up from its entries, as of {timeOf(data.asOf)}.</p>
      )}
      {problem !== null && <ProblemNote problem={problem} onRetry={() => void refetch()} />}
    </section>
  );
}

/** Debits above credits, so that each has the whole width for its digits and a difference shows at once. */
function Proof({
  proof: { currency, exactTotalDebits, exactTotalCredits, balanced },
}: {
  readonly proof: CurrencyTrialBalance;
}) {
  const money = currencyNamed(currency);
  return (
    <table className="card sums">
      <caption>
        {currency} <span className={balanced ? "good" : "wrong"}>{balanced ? "✓ Balanced" : "✗ Not balanced"}</span>
      </caption>
      <tbody>
        <tr>
          <th scope="row">Debits</th>
          <td className="figure total">
            <Sum minor={BigInt(exactTotalDebits)} money={money} />
          </td>
        </tr>
        <tr>
          <th scope="row">Credits</th>
          <td className="figure total">
            <Sum minor={BigInt(exactTotalCredits)} money={money} />
          </td>
        </tr>
      </tbody>
    </table>
  );
}
