import { dateOf, timeOf } from "../labels.ts";

/** When something was recorded: date and time of day. */
export function Time({ time }: { readonly time: string | undefined }) {
  return (
    time && (
      <time dateTime={time}>
        {dateOf(time)} <span className="muted">{timeOf(time)}</span>
      </time>
    )
  );
}
