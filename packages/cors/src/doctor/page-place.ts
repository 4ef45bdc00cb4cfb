/** Finds out where a page is loaded from, if its origin does not show it. */

import { lookup } from "node:dns/promises";
import { setTimeout } from "node:timers/promises";
import { type AddressSpace, spaceOfAddress } from "./address-spaces.ts";
import { assumedPlace, type PagePlace, placeOfOrigin } from "./local-network-access.ts";

/** The place of a page: as given, as its origin shows, or where its name leads on this machine. */
export async function locatePage(
  origin: string,
  given: AddressSpace | undefined,
  timeoutMs: number,
): Promise<PagePlace> {
  if (given !== undefined) return { space: given, why: "by --page-address-space" };
  return placeOfOrigin(origin) ?? (origin === "null" ? assumedPlace : await resolvePlace(new URL(origin), timeoutMs));
}

async function resolvePlace({ hostname }: URL, timeoutMs: number): Promise<PagePlace> {
  const ended = new AbortController();
  const late = setTimeout(timeoutMs, undefined, { signal: ended.signal }).catch(() => undefined);
  const found = await Promise.race([lookup(hostname).catch(() => undefined), late]);
  ended.abort();
  const space = spaceOfAddress(found?.address ?? "");
  return found === undefined || space === null
    ? { space: "public", why: `assumed, because ${hostname} cannot be resolved here` }
    : { space, why: `${hostname} is ${found.address} here` };
}
