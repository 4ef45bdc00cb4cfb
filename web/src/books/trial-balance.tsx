import type { CurrencyTrialBalance } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
import { Loaded } from "../components/loaded.tsx";
import { Sum } from "../components/sum.tsx";
import { trialBalanceQuery } from "../data/queries.ts";
import { timeOf } from "../labels.ts";
import { useSession } from "../session/session.ts";

/** The service's proof that every currency's debits equal its credits; for admins only. */
export function TrialBalance() {
  const { finance } = useSession();
  const query = useQuery(trialBalanceQuery(finance));
  return (
    <section aria-labelledby="trial-heading">
      <h2 id="trial-heading">Trial balance</h2>
      <Loaded query={query} what="the trial balance">
        {({ currencies, asOf }) =>
          currencies.length === 0 ? (
            <p className="empty">There are no balances to check yet.</p>
          ) : (
            <>
              {currencies.map((proof) => (
                <Proof key={proof.currency} proof={proof} />
              ))}
              {asOf && <p className="muted">All entries up to {timeOf(asOf)} count.</p>}
            </>
          )
        }
      </Loaded>
    </section>
  );
}

/** Debits above credits: each gets the full width for its digits, and a difference is easy to see. */
function Proof({ proof }: { readonly proof: CurrencyTrialBalance }) {
  const { currency, exactTotalDebits, exactTotalCredits, balanced } = proof;
  return (
    <table className="card sums">
      <caption>
        {currency} <span className={balanced ? "good" : "wrong"}>{balanced ? "✓ Balanced" : "✗ Not balanced"}</span>
      </caption>
      <tbody>
        <tr>
          <th scope="row">Debits</th>
          <td className="figure total">
            <Sum minor={BigInt(exactTotalDebits)} money={proof} />
          </td>
        </tr>
        <tr>
          <th scope="row">Credits</th>
          <td className="figure total">
            <Sum minor={BigInt(exactTotalCredits)} money={proof} />
          </td>
        </tr>
      </tbody>
    </table>
  );
}
