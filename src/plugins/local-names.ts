import { isIP } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";

export interface LocalNamesOptions {
  /** Which routes need no token, so that nothing else keeps a stranger's page from reading them. */
  readonly routes: ReadonlySet<string | undefined>;
}

/**
 * Answers some routes only to who asks by an address or a loopback name.
 *
 * A page may have its own name lead to this machine (DNS rebinding): then the browser lets it read what needs no token.
 * No browser sends an address or `localhost` for such a page. https://www.w3.org/TR/private-network-access/
 *
 * For development alone: in production a service has names that it does not know.
 */
export const localNames = fp<LocalNamesOptions>(
  (app, { routes }, done) => {
    app.addHook("onRequest", async (request, reply) => {
      if (!routes.has(request.routeOptions.url) || isLocalName(request)) return;
      return await refuse(reply);
    });
    done();
  },
  { name: "local-names", fastify: "5.x" },
);

function isLocalName({ raw }: FastifyRequest): boolean {
  // Every browser sends it.
  const { host } = raw.headers;
  if (host === undefined || host === "") return true;
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return isIP(hostname) === 4 || hostname.startsWith("[") || /^(?:.+\.)?localhost$/.test(hostname);
}

async function refuse(reply: FastifyReply): Promise<FastifyReply> {
  const message =
    "in development this is answered under an address or localhost only: a page may have given its name to this machine";
  return await reply.code(421).send({ message });
}
