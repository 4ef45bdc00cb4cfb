import type { FastifyInstance } from "fastify";
import { shared } from "./shared.ts";

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
