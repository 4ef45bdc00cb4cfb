import type { ConnectionTarget } from "../database/index.ts";

/** Choices of the environment that can be unwise in production. */
export interface ProductionChoices {
  readonly database: ConnectionTarget | undefined;
  readonly origins: readonly string[];
  readonly jwksUrl: string | undefined;
  readonly secret: string | undefined;
  readonly audience: string | undefined;
  readonly demoData: boolean;
}

/** Hosts that mean this machine. */
export const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1", "[::1]"]);

/** A random key of 32 bytes has more distinct characters than this, in any notation. */
const DISTINCT_CHARACTERS_MIN = 10;

/** One line for each unwise choice; none repeats a secret. */
export function productionWarnings(choices: ProductionChoices): string[] {
  const { database, origins, jwksUrl, secret, audience, demoData } = choices;
  const warnings: string[] = [];
  const warn = (unwise: boolean, text: string) => {
    if (unwise) warnings.push(text);
  };
  warn(
    database !== undefined && !verifiesServer(database),
    "DATABASE_URL: the server's certificate is not verified, so anyone on the network path can read and change everything; " +
      "set sslmode=verify-full and sslrootcert",
  );
  warn(origins.includes("*"), "CORS_ALLOWED_ORIGINS: any page may call; list the origins of your pages");
  warn(
    origins.some((origin) => origin.startsWith("http://")),
    "CORS_ALLOWED_ORIGINS: has an origin without TLS, which anyone on the network path can impersonate; use https origins",
  );
  warn(
    jwksUrl?.startsWith("http:") === true && !LOOPBACK_HOSTS.has(new URL(jwksUrl).hostname),
    "AUTH_JWKS_URL: keys are fetched without TLS, so anyone on the network path can sign tokens; use https",
  );
  warn(
    secret !== undefined && new Set(secret).size < DISTINCT_CHARACTERS_MIN,
    "AUTH_JWT_SECRET: is easily guessed; make one with openssl rand -base64 32",
  );
  warn(
    jwksUrl !== undefined && audience === undefined,
    "AUTH_AUDIENCE: is unset, so tokens that the issuer made for other services are valid here too",
  );
  warn(demoData, "DEMO_DATA: fills an empty ledger with invented accounts and transfers");
  return warnings;
}

function verifiesServer({ hosts, tlsMode, tls }: ConnectionTarget): boolean {
  const isNear = hosts.every(({ host }) => host.startsWith("/") || LOOPBACK_HOSTS.has(host));
  // Below `require`, libpq falls back to plaintext.
  return isNear || (!["disable", "prefer"].includes(tlsMode) && tls.rejectUnauthorized !== false);
}
