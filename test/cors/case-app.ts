import { MessageType } from "@protobuf-ts/runtime";
import { ServiceType } from "@protobuf-ts/runtime-rpc";
import Fastify, { type FastifyInstance } from "fastify";
import { TwirpError, TwirpErrorCode, TwirpServer } from "twirp-ts";
import type { Policy, RefusalEvent } from "../../packages/cors/src/index.ts";
import { applyCorsHeaders, cors } from "../../packages/cors/src/index.ts";
import type { CallContext } from "../../packages/twirp/src/index.ts";
import { twirp, twirpFrameworkErrors } from "../../packages/twirp/src/index.ts";

/** Lines that the app's logger wrote, parsed. */
export type LogLine = Record<string, unknown>;

export interface CaseApp {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly refusals: RefusalEvent[];
  readonly logLines: LogLine[];
}

const EmptyType = new MessageType<object>("lab.v1.Empty", []);
const ConformanceType = new ServiceType("lab.v1.Conformance", [
  { name: "Echo", options: {}, I: EmptyType, O: EmptyType },
]);

type Echo = (context: CallContext) => object;

/**
 * Starts what stands behind the CORS layer on an ephemeral port: the Twirp adapter with the one method
 * /twirp/lab.v1.Conformance/Echo.
 *
 * @param behaviour the case's `app`: empty or `twirp` for the plain server, `auth` for a hook after CORS that answers 401,
 * an error code, `handler throws`, `handler sets NAME: VALUE`, or `body limit N MiB`.
 * @returns null when the behaviour is none of these.
 */
export async function startCaseApp(policy: Policy, behaviour = ""): Promise<CaseApp | null> {
  const plain = behaviour === "" || behaviour === "twirp" || behaviour === "auth";
  const bodyLimit = readBodyLimit(behaviour);
  const echo = plain || bodyLimit !== null ? () => ({}) : readEcho(behaviour);
  if (echo === null) return null;

  const refusals: RefusalEvent[] = [];
  const logLines: LogLine[] = [];
  const malformedUrl = twirpFrameworkErrors();
  const app = Fastify({
    forceCloseConnections: true,
    logger: { level: "debug", stream: { write: (line: string) => logLines.push(JSON.parse(line)) } },
    frameworkErrors(error, request, reply) {
      if (!applyCorsHeaders(policy, request, reply)) malformedUrl(error, request, reply);
    },
  });
  await app.register(cors, { policy, onRefusal: (event) => refusals.push(event) });
  if (behaviour === "auth") {
    app.addHook("onRequest", async () => {
      throw new TwirpError(TwirpErrorCode.Unauthenticated, "no token");
    });
  }
  const server = new TwirpServer({
    service: { Echo: echo },
    packageName: "lab.v1",
    serviceName: "Conformance",
    methodList: ["Echo"],
    matchRoute: () => {
      throw new Error("the adapter does not use these handlers");
    },
  });
  await app.register(twirp, {
    services: [{ server, type: ConformanceType }],
    ...(bodyLimit !== null && { bodyLimit }),
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const address = app.server.address();
  return { app, port: typeof address === "object" && address !== null ? address.port : 0, refusals, logLines };
}

function readEcho(behaviour: string): Echo | null {
  const [, name, value] = /^handler sets ([\w-]+): (.+)$/.exec(behaviour) ?? [];
  if (name !== undefined && value !== undefined) {
    return ({ headers }) => {
      headers.set(name, value);
      return {};
    };
  }
  if (behaviour === "handler throws") {
    return () => {
      throw new Error("unforeseen");
    };
  }
  const code = Object.values(TwirpErrorCode).find((known) => known === behaviour);
  if (code === undefined) return null;
  return ({ headers }) => {
    if (code === TwirpErrorCode.ResourceExhausted) headers.set("Retry-After", "1");
    throw new TwirpError(code, "as the case wants it");
  };
}

function readBodyLimit(behaviour: string): number | null {
  const [, count, unit] = /^body limit (\d+) (KiB|MiB)$/.exec(behaviour) ?? [];
  return count === undefined ? null : Number(count) * (unit === "KiB" ? 1_024 : 1_048_576);
}
