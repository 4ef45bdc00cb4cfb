import { join } from "node:path";
import type { Logger } from "pino";
import { mintToken } from "../auth/index.ts";
import type { Config } from "../config/config.ts";
import { migrationsDirectory } from "../database/index.ts";
import { buildConsole } from "./console.ts";
import { consolePlace, listen, urlOf } from "./listening.ts";
import type { Groundwork } from "./prepare.ts";
import type { Closing } from "./shutdown.ts";

export interface BannerFacts {
  readonly apiUrl: string;
  readonly twirpPrefix: string;
  readonly consoleUrl: string | undefined;
  /** Where the data is, without a password. */
  readonly database: string;
  /** Only in development. */
  readonly tokens: DevelopmentTokens | undefined;
}

export interface DevelopmentTokens {
  readonly lifetimeDays: number;
  /** Has every scope. */
  readonly admin: NamedToken;
  /** Has finance.read and finance.write. */
  readonly plain: NamedToken;
}

interface NamedToken {
  readonly subject: string;
  readonly value: string;
}

/** What a person who just started the service wants to know, with calls to paste. */
function banner({ apiUrl, twirpPrefix, consoleUrl, database, tokens }: BannerFacts): string {
  const endpoint = `${apiUrl}${twirpPrefix}/finance.v1.FinanceService`;
  const lines = ["", `  API      ${endpoint}/`];
  if (consoleUrl !== undefined) lines.push(`  Console  ${consoleUrl}`);
  lines.push(`  Data     ${database}`, "");
  if (tokens !== undefined) {
    const { lifetimeDays, admin, plain } = tokens;
    lines.push(
      `A token for ${admin.subject}, good for ${lifetimeDays} days, in two calls to paste:`,
      "",
      `curl ${endpoint}/GetAccount \\`,
      `  -H 'content-type: application/json' \\`,
      `  -H 'authorization: Bearer ${admin.value}' \\`,
      `  -d '{"id": 4}'`,
      "",
      `axios.post("${endpoint}/GetAccount", { id: 4 }, {`,
      `  headers: { "Content-Type": "application/json", Authorization: "Bearer ${admin.value}" },`,
      "}).then(({ data }) => console.log(data))",
      "",
      `A token for ${plain.subject}, who has finance.read and finance.write but not finance.admin:`,
      "",
      plain.value,
      "",
    );
  }
  return lines.join("\n");
}

const DEVELOPMENT_TOKEN_DAYS = 30;
const DEVELOPMENT_ADMIN = { subject: "alice", scope: "finance.read finance.write finance.admin" };
const DEVELOPMENT_PLAIN_USER = { subject: "bob", scope: "finance.read finance.write" };

export interface WelcomeOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly groundwork: Groundwork;
  /** Where the API listens. */
  readonly apiPort: number;
  readonly closing: Closing;
}

/** Serves the console. @returns the greeting that says where everything is. */
export async function welcome({ config, log, groundwork, apiPort, closing }: WelcomeOptions): Promise<string> {
  const { trust, database } = groundwork;
  const tokens =
    config.environment === "development" && "secret" in trust
      ? await developmentTokens(trust.secret, config.auth)
      : undefined;
  if (config.consolePort !== undefined) {
    const root = join(await migrationsDirectory(), "../dist/web");
    const { consoleApiUrl, twirpPrefix } = config;
    const api = consoleApiUrl === undefined ? { port: apiPort } : { url: consoleApiUrl };
    const pages = await buildConsole({ root, log, api, twirpPrefix, developmentToken: tokens?.admin.value });
    closing.add(() => pages.close());
    await listen(pages, consolePlace(config.host, config.consolePort));
  }
  return banner({
    apiUrl: urlOf(config.host, apiPort),
    twirpPrefix: config.twirpPrefix,
    consoleUrl: config.consolePort === undefined ? undefined : urlOf(config.host, config.consolePort),
    database,
    tokens,
  });
}

/** Makes the tokens that a start prints. */
export async function developmentTokens(secret: string, auth: Config["auth"]): Promise<DevelopmentTokens> {
  const lifetimeSeconds = DEVELOPMENT_TOKEN_DAYS * 86_400;
  const mint = (claims: typeof DEVELOPMENT_ADMIN) => mintToken(secret, { ...claims, ...auth, lifetimeSeconds });
  return {
    lifetimeDays: DEVELOPMENT_TOKEN_DAYS,
    admin: { subject: DEVELOPMENT_ADMIN.subject, value: await mint(DEVELOPMENT_ADMIN) },
    plain: { subject: DEVELOPMENT_PLAIN_USER.subject, value: await mint(DEVELOPMENT_PLAIN_USER) },
  };
}
