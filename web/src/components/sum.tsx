import { type Currency, formatMoney } from "@finance-service/client";
import { Fragment } from "react";

interface SumProps {
  readonly minor: bigint;
  readonly money: Currency;
  /** Writes a plus sign before positive amounts. Default false. */
  readonly signed?: boolean;
}

/** After each group separator. The decimals stay with the last group. */
const BETWEEN_GROUPS = /(?<=\p{Nd}\P{Nd})(?=\p{Nd}+\P{Nd}\p{Nd})/u;

/** Money in its currency. If it does not fit on one line it breaks between groups of digits. */
export function Sum({ minor, money, signed = false }: SumProps) {
  const groups = formatMoney(minor, money, { signed }).split(BETWEEN_GROUPS);
  return (
    <span className="money">
      {groups.map((group, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: groups have no other key, and two can be equal
        <Fragment key={index}>
          {index > 0 && <wbr />}
          <span>{group}</span>
        </Fragment>
      ))}
    </span>
  );
}
