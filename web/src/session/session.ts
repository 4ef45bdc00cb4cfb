import type { FinanceClient } from "@finance-service/client";
import { createContext, use } from "react";
import type { Settings } from "../settings.ts";
import type { Permissions } from "./permissions.ts";

/** Where the service is, and the token for it. */
export interface Connection {
  readonly baseUrl: string;
  readonly prefix: string;
  readonly token: string;
}

/** Who is signed in, and the client that calls the service for them. */
export interface Session {
  readonly settings: Settings;
  readonly connection: Connection;
  readonly finance: FinanceClient;
  /** The token's `sub`; undefined if it has none that the page can read. */
  readonly caller: string | undefined;
  readonly may: Permissions;
  signOut(): void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

/** @throws Error outside of a session. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (session === undefined) throw new Error("nobody is signed in");
  return session;
}
