/** Where the API is, as the server of this page says. */
export interface Settings {
  /** Scheme, host and port. */
  readonly apiUrl: string;
  /** May be empty. */
  readonly twirpPrefix: string;
  /** Only in development. */
  readonly developmentToken?: string;
}

/** The server of this page does not say where the API is. */
export class SettingsError extends Error {
  constructor(cause?: unknown) {
    super("/settings.json did not come, or is something else", { cause });
    this.name = "SettingsError";
  }
}

/**
 * Asks the server of this page, on its own origin.
 *
 * @throws SettingsError when it has no answer or another one.
 */
export async function loadSettings(signal: AbortSignal): Promise<Settings> {
  const settings: unknown = await fetch("/settings.json", { signal })
    .then((response) => response.json())
    .catch((error: unknown) => {
      throw new SettingsError(error);
    });
  if (!isSettings(settings)) throw new SettingsError();
  return settings;
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
