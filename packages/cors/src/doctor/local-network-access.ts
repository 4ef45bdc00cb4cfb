/**
 * Whether a page may reach an address in the local network, which a browser decides when it is connected and before it sends
 * anything: https://wicg.github.io/local-network-access/#fetching, as Chromium 147 enforces it.
 */
import { isLoopback } from "../origins.ts";
import { type AddressSpace, addressSpaces, spaceOfHost } from "./address-spaces.ts";
import { type Finding, finding } from "./checks.ts";
import type { PageRequest } from "./page-request.ts";

/** What the user has answered, or `prompt` if the browser has yet to ask. */
export const permissionStates = ["granted", "prompt", "denied"] as const;

export type PermissionState = (typeof permissionStates)[number];

/** https://wicg.github.io/local-network-access/#integration-with-permissions */
export type PermissionName = "local-network" | "loopback-network";

/** The address space that a page was loaded from. */
export interface PagePlace {
  readonly space: AddressSpace;
  /** How that is known, for people. */
  readonly why: string;
}

/** Who wants to connect. */
export interface Caller {
  readonly page: PageRequest;
  readonly place: PagePlace;
  readonly permission: PermissionState;
}

/** Whether the connection may be used, and which permission that needs. */
interface ConnectionVerdict {
  /** Why it may not be used; null if it may. */
  readonly blocked: Finding | null;
  readonly needs: PermissionName | null;
}

const unrestricted: ConnectionVerdict = { blocked: null, needs: null };

/** What is sent over the connection. */
type RequestKind = "preflight" | "request";

/** Judges a connection to an address in this space. */
export function judgeConnection(
  { page, place, permission }: Caller,
  kind: RequestKind,
  url: URL,
  space: AddressSpace,
): ConnectionVerdict {
  // Chromium does not pass the option on to the preflight.
  const targetAddressSpace = kind === "preflight" ? undefined : page.targetAddressSpace;
  if (url.origin === page.origin && isTrustworthy(page.origin)) return unrestricted;
  if (targetAddressSpace !== undefined && targetAddressSpace !== space) {
    return { blocked: finding("address_space_mismatch", space), needs: null };
  }
  // By the specification a local page also needs permission for a loopback address. Chromium does not ask yet.
  if (place.space !== "public" || space === "public") return unrestricted;
  if (!isSecureContext(page.origin)) return { blocked: finding("local_network_insecure_page", space), needs: null };
  if (permission === "denied") return { blocked: finding("local_network_denied", space), needs: null };
  return { blocked: null, needs: space === "local" ? "local-network" : "loopback-network" };
}

/** The spaces that the page may not reach. */
export function blockedSpaces(caller: Caller, kind: RequestKind, url: URL): AddressSpace[] {
  return addressSpaces.filter((space) => judgeConnection(caller, kind, url, space).blocked !== null);
}

/** Where a page of this origin is loaded from, as far as the origin shows it; otherwise null. */
export function placeOfOrigin(origin: string): PagePlace | null {
  if (origin === "null") return null;
  const { protocol, hostname } = new URL(origin);
  // Chromium treats files and extensions so, and apps load their pages from the device too.
  if (protocol !== "http:" && protocol !== "https:") {
    return { space: "loopback", why: `pages of ${protocol} are on this device` };
  }
  const space = spaceOfHost(hostname);
  return space === null ? null : { space, why: `by its host, ${hostname}` };
}

/** A page of unknown address is probably on the internet. */
export const assumedPlace: PagePlace = { space: "public", why: "which is assumed" };

/** https://w3c.github.io/webappsec-secure-contexts/, as far as the origin shows it. A frame with origin null may be secure. */
function isSecureContext(origin: string): boolean {
  return !origin.startsWith("http:") || isTrustworthy(origin);
}

function isTrustworthy(origin: string): boolean {
  return URL.canParse(origin) && (origin.startsWith("https:") || isLoopback(new URL(origin).hostname));
}
