import { dateOf, timeOf } from "../labels.ts";

/** When a row's matter was recorded; a narrow table has no room for it and tells the date elsewhere. */
export function TimeCell({ time }: { readonly time: string | undefined }) {
  return (
    <td className="wide">
      {time && (
        <time dateTime={time}>
          {dateOf(time)} <span className="muted">{timeOf(time)}</span>
        </time>
      )}
    </td>
  );
}
