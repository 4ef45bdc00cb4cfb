/** Times as people type them into a field of the type datetime-local, in their own time zone. */
import { fromDate, toDate } from "@finance-service/client";

/** Such as "Europe/Berlin". */
const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

const ZONED = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
});

/** The last value that the fields take: the API has no later year. */
export const LOCAL_TIME_MAX = "9999-12-30T23:59";

/** @returns The service's string; undefined for an empty field or a year that the service refuses. */
export function readLocalTime(text: string): string | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) || text > LOCAL_TIME_MAX || date.getUTCFullYear() < 1
    ? undefined
    : fromDate(date);
}

/** Such as "Jan 31, 2027, 6:30 PM GMT+1 (Europe/Berlin)". @param time the service's string. */
export function zonedTimeOf(time: string): string {
  return `${ZONED.format(toDate(time))} (${ZONE})`;
}

export const zoneHint = `In your time zone, ${ZONE}`;
