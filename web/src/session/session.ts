import type { FinanceClient } from "@finance-service/client";
import { createContext, use } from "react";
import type { Settings } from "../settings.ts";
import type { Permissions } from "./permissions.ts";

/** Who is signed in, and how the page calls the service on their behalf. */
export interface Session {
  readonly settings: Settings;
  readonly finance: FinanceClient;
  /** The caller's name by the token; undefined when the token does not tell. */
  readonly caller: string | undefined;
  /** What the page offers the caller. */
  readonly may: Permissions;
  signOut(): void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

/** @throws Error outside a session: pages are shown in one only. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (session === undefined) throw new Error("nobody is signed in");
  return session;
}
