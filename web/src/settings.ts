import axios, { isAxiosError } from "axios";
import { CallError } from "./problem.ts";

/** Where the API is, as the server of this page says. */
export interface Settings {
  /** Scheme, host and port. */
  readonly apiUrl: string;
  /** May be empty. */
  readonly twirpPrefix: string;
  /** Only in development. */
  readonly developmentToken?: string;
}

/**
 * Asks the server of this page, on its own origin.
 *
 * @throws CallError when it has no answer or another one; axios's own error when aborted.
 */
export async function loadSettings(signal: AbortSignal): Promise<Settings> {
  const reply = await axios.get<unknown>("/settings.json", { signal }).catch((error: unknown) => {
    if (isAxiosError(error) && !signal.aborted) throw new CallError({ kind: "no-settings" });
    throw error;
  });
  if (!isSettings(reply.data)) throw new CallError({ kind: "no-settings" });
  return reply.data;
}

function isSettings(data: unknown): data is Settings {
  return (
    typeof data === "object" &&
    data !== null &&
    "apiUrl" in data &&
    typeof data.apiUrl === "string" &&
    "twirpPrefix" in data &&
    typeof data.twirpPrefix === "string" &&
    (!("developmentToken" in data) || typeof data.developmentToken === "string")
  );
}
