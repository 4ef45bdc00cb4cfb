import { Preview } from "../components/preview.tsx";
import { Sum } from "../components/sum.tsx";
import type { BalanceChange } from "./forecast.ts";

interface BalancesAfterwardsProps {
  readonly changes: readonly BalanceChange[];
  /** See Preview. */
  readonly isCalculated?: boolean;
}

export function BalancesAfterwards({ changes, isCalculated = false }: BalancesAfterwardsProps) {
  const rows = changes.map(({ account, isAvailable, before, after }) => ({
    key: `${account.id} ${isAvailable}`,
    what: isAvailable ? `${account.name}, available` : account.name,
    before: <Sum minor={before} money={account} />,
    after: <Sum minor={after} money={account} />,
  }));
  return <Preview label="Balances afterwards" rows={rows} isCalculated={isCalculated} />;
}
