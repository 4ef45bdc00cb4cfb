import type { FastifyInstance } from "fastify";
import fp from "fastify-plugin";
import type { Config } from "../config/config.ts";
import { urlOf } from "./listening.ts";

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
