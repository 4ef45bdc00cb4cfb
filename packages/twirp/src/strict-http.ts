import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { errorResponse } from "./errors.ts";
import { sendExactly } from "./exact-reply.ts";
import { findFault, HEADER_LINES_MAX, isMethod } from "./http-faults.ts";
import { MEDIA_TYPE } from "./media-type.ts";

/** Options of `strictHttp`. */
export interface StrictHttpOptions {
  /** Adds headers to the reply, as CORS ones, since no later hook runs for such a request. Default: nothing. */
  readonly decorate?: (request: FastifyRequest, reply: FastifyReply) => void;
}

/**
 * Refuses in Twirp's form what HTTP does not allow and Node lets through, as two Hosts or a Transfer-Encoding that it
 * ignores, and what Node drops without an answer, as CONNECT. Register it in the root scope, before all that answers by
 * itself. The server must be made with `requireHostHeader: false`, or Node answers a missing Host with an empty 400.
 *
 * @example
 * const app = Fastify({ http: { requireHostHeader: false }, clientErrorHandler: twirpClientErrors });
 * await app.register(strictHttp);
 */
export const strictHttp = fastifyPlugin<StrictHttpOptions>(
  (app: FastifyInstance, { decorate }, done) => {
    const { server } = app;
    // One more than are allowed, so that there is something to see.
    server.maxHeadersCount = HEADER_LINES_MAX + 1;
    server.on("checkContinue", (request, response) => {
      // Whoever waits for this should not send a body that nobody reads.
      if (findFault(request) === undefined) response.writeContinue();
      server.emit("request", request, response);
    });
    server.on("connect", (request, socket) => refuseConnect(server, request, socket));
    // Fastify runs no hook for a method that Node does not know, so it gets to see another one.
    const methods = new WeakMap<IncomingMessage, string>();
    server.prependListener("request", (request) => {
      const { method = "" } = request;
      if (isMethod(method)) return;
      methods.set(request, method);
      request.method = "GET";
    });
    const closing = new WeakSet<Socket>();
    app.addHook("onRequest", (request, reply, next) => {
      const { socket } = request.raw;
      const method = methods.get(request.raw);
      if (method !== undefined) request.raw.method = method;
      // Nobody knows where the request before this one ended, so this may be a part of it: it must not be carried out.
      if (closing.has(socket)) {
        reply.hijack();
        return;
      }
      const fault = findFault(request.raw);
      if (fault === undefined) {
        next();
        return;
      }
      decorate?.(request, reply);
      if (fault.closes) {
        closing.add(socket);
        reply.header("connection", "close");
      }
      sendExactly(reply.code(fault.status).header("content-type", MEDIA_TYPE.json), errorResponse(fault.error).body);
    });
    done();
  },
  { name: "finance-service-strict-http", fastify: "5.x" },
);

/** This is no proxy: to the handler of client errors it is a method like any that Node does not know. */
function refuseConnect(server: Server, request: IncomingMessage, socket: Duplex): void {
  const { rawHeaders, method, url, httpVersion } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  const rawPacket = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  // Node has taken its own listener away.
  socket.on("error", () => socket.destroy());
  const error = Object.assign(new Error("CONNECT is not supported"), { code: "HPE_INVALID_METHOD", rawPacket });
  server.emit("clientError", error, socket);
}
