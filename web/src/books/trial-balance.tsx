import { useQuery } from "@tanstack/react-query";
import { type CurrencyTrialBalance, formatMoney } from "../../../src/client/index.ts";
import { trialBalanceQuery } from "../data/queries.ts";
import { currencyNamed } from "../parts/currencies.ts";
import { Loading } from "../parts/loading.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { timeOf } from "../parts/words.ts";
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
      {data !== undefined && data.currencies.length > 0 && (
        <>
          <table className="card sums">
            <thead>
              <tr>
                <th scope="col">
                  <span className="spoken">Currency</span>
                </th>
                <th scope="col" className="figure">
                  Debits
                </th>
                <th scope="col" className="figure">
                  Credits
                </th>
                <th scope="col">
                  <span className="spoken">Proof</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.currencies.map((proof) => (
                <ProofRow key={proof.currency} proof={proof} />
              ))}
            </tbody>
          </table>
          {data.asOf && <p className="muted">Every balance added up from its entries, as of {timeOf(data.asOf)}.</p>}
        </>
      )}
      {problem !== null && <ProblemNote problem={problem} onRetry={() => void refetch()} />}
    </section>
  );
}

function ProofRow({
  proof: { currency, exactTotalDebits, exactTotalCredits, balanced },
}: {
  readonly proof: CurrencyTrialBalance;
}) {
  const money = currencyNamed(currency);
  return (
    <tr>
      <th scope="row">{currency}</th>
      <td className="figure total">{formatMoney(BigInt(exactTotalDebits), money)}</td>
      <td className="figure total">{formatMoney(BigInt(exactTotalCredits), money)}</td>
      <td>
        <span className={balanced ? "good" : "wrong"}>
          {balanced ? "✓" : "✗"} <span className="spoken">{balanced ? "Balanced" : "Not balanced"}</span>
        </span>
      </td>
    </tr>
  );
}
