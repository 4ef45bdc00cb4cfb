import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** One reply of a misbehaving proxy or service. */
export interface ScriptedReply {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** `hang` never replies and `drop` ends the connection; in the middle of the body, `cut` ends and `reset` resets it. */
  readonly fault?: "hang" | "drop" | "cut" | "reset";
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ScriptedServer {
  readonly url: string;
  /** The requests since the last call of `reply`. */
  readonly seen: readonly SeenRequest[];
  /** Sets the replies to the next calls in this order; all further calls get the last one. */
  reply(...replies: readonly ScriptedReply[]): void;
  /** Resolves after this number of calls since the last call of `reply`. */
  received(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A server on a free port with scripted replies. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  let replies: readonly ScriptedReply[] = [];
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const { status = 200, headers: replyHeaders = {}, body = "", fault } = replies[seen.length] ?? replies.at(-1) ?? {};
    seen.push({ method, url, headers, body: Buffer.concat(chunks) });
    server.emit("seen");
    if (fault === "hang") return;
    if (fault === "drop") return void response.destroy();
    if (fault === "cut" || fault === "reset") {
      response.writeHead(status, { ...replyHeaders, "content-type": "application/json", "content-length": "1000" });
      response.write('{"id":', () => (fault === "cut" ? response.destroy() : request.socket.resetAndDestroy()));
      return;
    }
    response.writeHead(status, replyHeaders).end(body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    reply(...next) {
      replies = next;
      seen.length = 0;
    },
    async received(count) {
      while (seen.length < count) await once(server, "seen");
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A successful reply in the service's form. */
export function jsonReply(message: object, headers: OutgoingHttpHeaders = {}): ScriptedReply {
  return { headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(message) };
}

/** A refusal in Twirp's form. */
export function refusalReply(status: number, error: object, headers: OutgoingHttpHeaders = {}): ScriptedReply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(error) };
}
