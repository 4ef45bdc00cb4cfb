/** Where the API is, from the server of this page. */
export interface Settings {
  /** Scheme, host and port. */
  readonly apiUrl: string;
  /** May be empty. */
  readonly twirpPrefix: string;
  /** Only in development. */
  readonly developmentToken?: string;
}

/** The server of this page did not say where the API is. */
export class SettingsError extends Error {
  constructor(cause?: unknown) {
    super("can't read /settings.json", { cause });
    this.name = "SettingsError";
  }
}

/**
 * Asks the server of this page.
 *
 * @throws SettingsError when there is no answer, or not the expected one.
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
