import Fastify, { type FastifyInstance } from "fastify";
import { type TwirpOptions, twirp, twirpFrameworkErrors } from "../../packages/twirp/src/index.ts";
import type { Hats } from "./service.ts";

/** A line of the server's log. */
interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly reqId?: string;
  readonly rpc?: string;
  readonly code?: string;
  readonly err?: { readonly message: string };
}

/** The simplest hatter: it makes each hat as ordered. */
export const echo: Hats = { Make: async (_context, hat) => hat };

/** A mounted service, called in process. It keeps log lines at level error and above, unless a test sets another level. */
export async function serve(
  options: TwirpOptions,
  prepare: (app: FastifyInstance) => void = () => undefined,
  level = "error",
) {
  const log: LogLine[] = [];
  const app = Fastify({
    frameworkErrors: twirpFrameworkErrors(),
    logger: { level, stream: { write: (line: string) => log.push(JSON.parse(line)) } },
  });
  prepare(app);
  await app.register(twirp, options);
  const call = async (method: string, payload: string | object = {}, headers: Record<string, string> = {}) => {
    const response = await app.inject({
      method: "POST",
      url: `${options.prefix ?? "/twirp"}/hats.HatService/${method}`,
      headers: { "content-type": "application/json", ...headers },
      payload: typeof payload === "string" ? payload : JSON.stringify(payload),
    });
    return { status: response.statusCode, headers: response.headers, body: response.json() };
  };
  return { app, call, log };
}

/** Listens on a free port, and says which. */
export async function listenOn(app: FastifyInstance): Promise<number> {
  return Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
}
