import type { Logger } from "pino";
import { mintToken, type TokenTrust } from "../auth/index.ts";
import type { Config } from "../config/config.ts";
import { buildConsole } from "./console.ts";
import { consolePlace, listen, urlOf } from "./listening.ts";
import type { Foundation } from "./prepare.ts";
import type { Shutdown } from "./process.ts";

const TOKEN_DAYS = 30;
const ADMIN = { subject: "alice", scope: "finance.read finance.write finance.admin" };
const PLAIN_USER = { subject: "bob", scope: "finance.read finance.write" };

/** Tokens of {@link ADMIN} and {@link PLAIN_USER}. */
interface DevelopmentTokens {
  readonly admin: string;
  readonly plain: string;
}

export interface WelcomeOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly foundation: Foundation;
  /** Where the API listens. */
  readonly apiPort: number;
  readonly shutdown: Shutdown;
}

/** Serves the console. @returns a greeting for the person who started the service, with calls to paste. */
export async function welcome({ config, log, foundation, apiPort, shutdown }: WelcomeOptions): Promise<string> {
  const { host, consolePort, consoleApiUrl, twirpPrefix } = config;
  const tokens = await developmentTokens(config, foundation.trust);
  if (consolePort !== undefined) {
    const api = consoleApiUrl === undefined ? { port: apiPort } : { url: consoleApiUrl };
    const pages = await buildConsole({ log, api, twirpPrefix, developmentToken: tokens?.admin });
    shutdown.add(() => pages.close());
    await listen(pages, consolePlace(host, consolePort));
  }
  const endpoint = `${urlOf(host, apiPort)}${twirpPrefix}/finance.v1.FinanceService`;
  return [
    "",
    `  API      ${endpoint}/`,
    ...(consolePort === undefined ? [] : [`  Console  ${urlOf(host, consolePort)}`]),
    `  Data     ${foundation.database}`,
    "",
    ...(tokens === undefined ? [] : callsToPaste(endpoint, tokens)),
  ].join("\n");
}

function callsToPaste(endpoint: string, { admin, plain }: DevelopmentTokens): string[] {
  return [
    `A token for ${ADMIN.subject}, good for ${TOKEN_DAYS} days, in two calls to paste:`,
    "",
    `curl ${endpoint}/GetAccount \\`,
    `  -H 'content-type: application/json' \\`,
    `  -H 'authorization: Bearer ${admin}' \\`,
    `  -d '{"id": 4}'`,
    "",
    `axios.post("${endpoint}/GetAccount", { id: 4 }, {`,
    `  headers: { "Content-Type": "application/json", Authorization: "Bearer ${admin}" },`,
    "}).then(({ data }) => console.log(data))",
    "",
    `A token for ${PLAIN_USER.subject}, who has finance.read and finance.write but not finance.admin:`,
    "",
    plain,
    "",
  ];
}

/** @returns undefined in production, and where the tokens come from an issuer. */
export async function developmentTokens(
  { environment, auth }: Config,
  trust: TokenTrust,
): Promise<DevelopmentTokens | undefined> {
  if (environment !== "development" || !("secret" in trust)) return undefined;
  const mint = (claims: typeof ADMIN) =>
    mintToken(trust.secret, { ...claims, ...auth, lifetimeSeconds: TOKEN_DAYS * 86_400 });
  return { admin: await mint(ADMIN), plain: await mint(PLAIN_USER) };
}
