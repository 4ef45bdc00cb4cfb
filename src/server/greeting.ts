import type { FastifyInstance } from "fastify";
import fp from "fastify-plugin";
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

/**
 * Serves the console.
 *
 * @returns a greeting for the person who started the service, with calls to paste; undefined in production, whose output
 * is a log of JSON lines.
 */
export async function welcome(options: WelcomeOptions): Promise<string | undefined> {
  const { config, log, foundation, apiPort, shutdown } = options;
  const { environment, host, consolePort, consoleApiUrl, twirpPrefix } = config;
  const tokens = await developmentTokens(config, foundation.trust);
  if (consolePort !== undefined) {
    const api = consoleApiUrl === undefined ? { port: apiPort } : { url: consoleApiUrl };
    const pages = await buildConsole({ log, api, twirpPrefix, developmentToken: tokens?.admin });
    shutdown.add(() => pages.close());
    await listen(pages, consolePlace(host, consolePort));
  }
  if (environment === "production") return undefined;
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

/**
 * The page at the root of the API, which people open first. It says where the console and the documentation are.
 *
 * @returns HTML; undefined in production, where there is no such page.
 */
export function frontPageOf(
  config: Pick<Config, "environment" | "host" | "consolePort" | "twirpPrefix">,
): string | undefined {
  const { environment, host, consolePort, twirpPrefix } = config;
  if (environment === "production") return undefined;
  const consoleUrl = consolePort === undefined ? undefined : urlOf(host, consolePort);
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Finance API</title>',
    "<h1>This is the API</h1>",
    consoleUrl === undefined
      ? "<p>The console is off (CONSOLE_PORT).</p>"
      : `<p>The console for people is at <a href="${consoleUrl}/">${consoleUrl}/</a>.</p>`,
    `<p>Programs send <code>POST ${twirpPrefix}/finance.v1.FinanceService/GetAccount</code> and the like, as JSON or protobuf,`,
    "with a bearer token. <code>npm start</code> printed one, in a call to paste.</p>",
    "<p>The repository describes every method, field and error in <code>docs/api.md</code>. Beside the methods there are",
    '<a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a> and <a href="/metrics">/metrics</a>.</p>',
  ].join("\n");
}

/** Answers `GET /` with the page if the client accepts HTML. */
export const frontPage = fp<{ readonly html: string }>(
  async (app: FastifyInstance, { html }) => {
    app.addHook("onRequest", (request, reply, next) => {
      const { accept = "" } = request.headers;
      if (request.method !== "GET" || request.raw.url !== "/" || !/(?:^|,)\s*text\/html\b/i.test(accept)) return next();
      void reply.type("text/html; charset=utf-8").send(html);
    });
  },
  { name: "front-page", fastify: "5.x" },
);
