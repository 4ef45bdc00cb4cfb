import type { FastifyInstance } from "fastify";

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
  const findObstacle = shared(0, readiness);
  app.get("/healthz", async (_request, reply) => {
    // Allow cross-origin loads, so that a page can tell "down" from "blocked by CORS".
    reply.header("cross-origin-resource-policy", "cross-origin");
    return { status: "ok" };
  });
  app.get("/readyz", async (_request, reply) => {
    const reason = await findObstacle();
    if (reason === undefined) return { status: "ready" };
    return await reply.code(503).header("retry-after", "1").send({ status: "not ready", reason });
  });
}
