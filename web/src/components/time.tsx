import { dateOf, exactTimeOf, timeOf } from "../labels.ts";

interface TimeProps {
  readonly time: string | undefined;
  /** With seconds. Default false. */
  readonly isExact?: boolean;
}

/** When something was recorded: date and time of day. */
export function Time({ time, isExact = false }: TimeProps) {
  return (
    time && (
      <time dateTime={time}>
        {dateOf(time)} <span className="muted">{(isExact ? exactTimeOf : timeOf)(time)}</span>
      </time>
    )
  );
}
