import { type Currency, formatMoney } from "@finance-service/client";
import { Fragment } from "react";

interface SumProps {
  readonly minor: bigint;
  readonly money: Currency;
  /** Writes a plus before what is more than 0. Default false. */
  readonly signed?: boolean;
}

/** Behind a sign that separates groups of digits; the decimals stay with the group before them. */
const BETWEEN_GROUPS = /(?<=\p{Nd}\P{Nd})(?=\p{Nd}+\P{Nd}\p{Nd})/u;

/** Money in its currency, on a line of its own where it needs one, and broken between groups of digits where it needs two. */
export function Sum({ minor, money, signed = false }: SumProps) {
  const groups = formatMoney(minor, money, { signed }).split(BETWEEN_GROUPS);
  return (
    <span className="money">
      {groups.map((group, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: groups have no other name, and the same may come twice
        <Fragment key={index}>
          {index > 0 && <wbr />}
          <span>{group}</span>
        </Fragment>
      ))}
    </span>
  );
}
