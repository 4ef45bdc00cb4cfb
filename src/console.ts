import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { createProbe, diagnose, findNotes, readArguments, renderJson } from "./cors/doctor/index.ts";

export interface ConsoleOptions {
  /** Where `npm run build` put the pages. */
  readonly root: string;
  readonly log: FastifyBaseLogger;
  /** The API's port and prefix, for the page to call. */
  readonly apiPort: number;
  readonly twirpPrefix: string;
  /** Signs in with one click; only for development. */
  readonly developmentToken: string | undefined;
}

/** A person waits for it. */
const DOCTOR_TIMEOUT_SECONDS = 5;

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Serves the web console on an origin of its own: its pages, /settings.json, which tells them where the API is, and
 * /diagnosis.json, in which the doctor says whether a page on this origin may call it.
 */
export async function buildConsole(options: ConsoleOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: "idle",
  });
  await app.register(fastifyStatic, {
    root: options.root,
    setHeaders: (response, path) => {
      // The build puts a digest of the content into each asset's name.
      const lasting = path.startsWith(join(options.root, "assets"));
      response.setHeader("cache-control", lasting ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  app.get("/settings.json", async (request, reply) => {
    reply.header("cache-control", "no-store");
    const { hostname } = request;
    return {
      apiUrl: `${request.protocol}://${hostname}:${options.apiPort}`,
      twirpPrefix: options.twirpPrefix,
      // A page that reached us under a name of its own choosing (DNS rebinding) must not get the token.
      ...(LOOPBACK_NAMES.has(hostname) ? { developmentToken: options.developmentToken } : {}),
    };
  });
  app.get("/diagnosis.json", async (request, reply) => {
    reply.header("cache-control", "no-store");
    const { protocol, host, hostname } = request;
    // Whoever may choose the name may choose whom we ask.
    if (!LOOPBACK_NAMES.has(hostname))
      return await reply.code(404).send({ message: "the doctor serves this machine only" });
    const url = `${protocol}://${hostname}:${options.apiPort}${options.twirpPrefix}/finance.v1.FinanceService/GetAccount`;
    return await reply.type("application/json").send(await diagnoseFor(`${protocol}://${host}`, url));
  });
  return app;
}

/** What `npm run doctor -- URL --origin ORIGIN --json` prints. */
async function diagnoseFor(origin: string, url: string): Promise<string> {
  const asked = readArguments([url, "--origin", origin, "--timeout", `${DOCTOR_TIMEOUT_SECONDS}`]);
  if (asked.kind === "help" || asked.fromConfig) throw new TypeError("these arguments ask a server");
  const page = { ...asked.page, url: asked.url };
  return renderJson(await diagnose(page, createProbe(asked), asked), findNotes(page));
}
