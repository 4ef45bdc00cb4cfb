import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";

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

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Serves the web console on an origin of its own: its pages and /settings.json, which tells them where the API is. */
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
  return app;
}
