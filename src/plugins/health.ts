import type { FastifyInstance } from "fastify";

/**
 * Shares what is costly to make: whoever asks while it is being made gets the same, and so does whoever asks within `ms`
 * milliseconds of its start. A failure is shared only while it is in the making.
 */
export function shared<T>(ms: number, make: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let staleAt = 0;
  return () => {
    const now = performance.now();
    if (latest !== undefined && now < staleAt) return latest;
    const made = make();
    latest = made;
    // For as long as it is in the making it is not stale.
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

/** GET /healthz answers while the process is up; GET /readyz answers 503 with the reason while calls would fail. */
export async function health(app: FastifyInstance, { readiness }: HealthOptions): Promise<void> {
  const findObstacle = shared(0, readiness);
  app.get("/healthz", async (_request, reply) => {
    // Any page may learn that we are up: so it can tell a server that is down from one whose CORS refuses it.
    reply.header("cross-origin-resource-policy", "cross-origin");
    return { status: "ok" };
  });
  app.get("/readyz", async (_request, reply) => {
    const reason = await findObstacle();
    if (reason === undefined) return { status: "ready" };
    return await reply.code(503).header("retry-after", "1").send({ status: "not ready", reason });
  });
}
