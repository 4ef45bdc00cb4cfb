import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import fp from "fastify-plugin";

/** Probes and scrapes: they need no token and must be answered above all when the process is overloaded. */
export const OPEN_ROUTES: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * Shares the result of costly work: every caller gets it while the work runs, and within `ms` milliseconds of its start.
 * A failure is shared only while the work runs.
 */
export function shared<T>(ms: number, make: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let staleAt = 0;
  return () => {
    const now = performance.now();
    if (latest !== undefined && now < staleAt) return latest;
    const made = make();
    latest = made;
    // It can't be stale while the work runs.
    staleAt = Number.POSITIVE_INFINITY;
    const end = (at: number) => () => {
      if (latest === made) staleAt = at;
    };
    made.then(end(now + ms), end(0));
    return made;
  };
}

/** Says why the service can't take calls now; undefined when it can. */
export type ReadinessCheck = () => Promise<string | undefined>;

export interface HealthOptions {
  readonly readiness: ReadinessCheck;
}

/** GET /healthz answers while the process is up. GET /readyz answers 503 with the reason while calls would fail. */
export async function health(app: FastifyInstance, { readiness }: HealthOptions): Promise<void> {
  app.get("/healthz", async (_request, reply) => {
    // Allow cross-origin loads, so that a page can tell "down" from "blocked by CORS".
    reply.header("cross-origin-resource-policy", "cross-origin");
    return { status: "ok" };
  });
  app.get("/readyz", async (_request, reply) => {
    const reason = await readiness();
    if (reason === undefined) return { status: "ready" };
    return await reply.code(503).header("retry-after", "1").send({ status: "not ready", reason });
  });
}

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
