import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { OPEN_ROUTES } from "./health.ts";

const REFUSAL =
  "in development this is answered under an address or localhost only: a page may have given its name to this machine";

/**
 * Answers the routes that need no token only under an address or a loopback name.
 *
 * A page may resolve its own name to this machine (DNS rebinding), and then the browser lets it read those routes. No
 * browser sends an address or `localhost` for such a page. https://www.w3.org/TR/private-network-access/
 *
 * For development only: in production a service has names that it does not know.
 */
export const localNames = fp(
  (app, _options, done) => {
    app.addHook("onRequest", async (request, reply) => {
      if (!OPEN_ROUTES.has(request.routeOptions.url) || isLocalName(request)) return;
      return await reply.code(421).send({ message: REFUSAL });
    });
    done();
  },
  { name: "local-names", fastify: "5.x" },
);

function isLocalName({ raw }: FastifyRequest): boolean {
  const { host } = raw.headers;
  // No browser leaves it out.
  if (host === undefined || host === "") return true;
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return isIP(hostname) === 4 || hostname.startsWith("[") || /^(?:.+\.)?localhost$/.test(hostname);
}
