import { join } from "node:path";
import type { Logger } from "pino";
import { mintToken } from "./auth/index.ts";
import { banner } from "./banner.ts";
import type { Closing } from "./closing.ts";
import type { Config } from "./config.ts";
import { buildConsole } from "./console.ts";
import { migrationsDirectory } from "./database/index.ts";
import type { Groundwork } from "./groundwork.ts";

const DEVELOPMENT_TOKEN = {
  subject: "alice",
  scope: "finance.read finance.write finance.admin",
  lifetimeDays: 30,
};

export interface WelcomeOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly groundwork: Groundwork;
  /** Where the API listens. */
  readonly apiPort: number;
  readonly closing: Closing;
}

/** Serves the console. @returns what to tell whoever started the service: where everything is. */
export async function welcome({ config, log, groundwork, apiPort, closing }: WelcomeOptions): Promise<string> {
  const { trust, database } = groundwork;
  const token =
    config.environment === "development" && "secret" in trust
      ? await mintToken(trust.secret, {
          ...DEVELOPMENT_TOKEN,
          ...config.auth,
          lifetimeSeconds: DEVELOPMENT_TOKEN.lifetimeDays * 86_400,
        })
      : undefined;
  if (config.consolePort !== undefined) {
    const root = join(await migrationsDirectory(), "../dist/web");
    const { consoleApiUrl, twirpPrefix } = config;
    const api = consoleApiUrl === undefined ? { port: apiPort } : { url: consoleApiUrl };
    const pages = await buildConsole({ root, log, api, twirpPrefix, developmentToken: token });
    closing.add(() => pages.close());
    await pages.listen({ host: config.host, port: config.consolePort });
  }
  return banner({
    apiUrl: urlOf(config.host, apiPort),
    twirpPrefix: config.twirpPrefix,
    consoleUrl: config.consolePort === undefined ? undefined : urlOf(config.host, config.consolePort),
    database,
    token: token === undefined ? undefined : { ...DEVELOPMENT_TOKEN, value: token },
  });
}

function urlOf(host: string, port: number): string {
  const name = host === "127.0.0.1" || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}
