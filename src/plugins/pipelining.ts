/**
 * Hands the requests of one connection on a few at a time.
 *
 * Goal: a client that sends thousands of requests in one go keeps nobody else waiting.
 *
 * Method: requests beyond `unansweredMax` wait until earlier ones of their connection are answered, and meanwhile the
 * connection is read no further. Node parses what it has read in one go, 64 KiB, so thousands may wait; they are bounded in all, too.
 * Each connection gets its turn again only after the others had theirs.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface PipeliningOptions {
  /** Unanswered requests of one connection that are worked on; at least 2. */
  readonly unansweredMax: number;
  /** Requests of all connections that may wait. */
  readonly waitingMax: number;
  /** Called for each connection that is cut because more would have to wait. */
  readonly onCut: () => void;
}

type Request = readonly [request: IncomingMessage, response: ServerResponse];

/** A connection on which a request came before the one before it was answered. */
interface Pipeline {
  /** Requests that are worked on and came before an earlier one was answered. */
  behind: number;
  readonly waiting: Request[];
  isDue: boolean;
}

/**
 * Stands between a server and those who listen for its requests so far.
 *
 * @returns how many requests wait.
 */
export function limitPipelining(server: Server, options: PipeliningOptions): () => number {
  const handlers = server.listeners("request") as ((...request: Request) => void)[];
  const pipelines = new WeakMap<Socket, Pipeline>();
  let waitingInAll = 0;

  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    // Node gives the connection to a reply once all earlier ones are out.
    if (response.socket !== null) handOn([request, response]);
    else line([request, response], request.socket);
  });
  return () => waitingInAll;

  function handOn(request: Request): void {
    for (const handler of handlers) handler.apply(server, [...request]);
  }

  function line(request: Request, socket: Socket): void {
    if (socket.destroyed) return;
    const pipeline = pipelines.get(socket) ?? open(socket);
    if (pipeline.waiting.length === 0 && pipeline.behind < options.unansweredMax - 1) {
      workOn(request, socket, pipeline);
    } else if (waitingInAll >= options.waitingMax) {
      options.onCut();
      socket.destroy();
    } else {
      pipeline.waiting.push(request);
      waitingInAll += 1;
      socket.pause();
    }
  }

  function open(socket: Socket): Pipeline {
    const pipeline: Pipeline = { behind: 0, waiting: [], isDue: false };
    pipelines.set(socket, pipeline);
    // Node reads on by itself when replies have gone out.
    socket.on("resume", () => {
      if (pipeline.waiting.length > 0) socket.pause();
    });
    socket.once("close", () => {
      waitingInAll -= pipeline.waiting.splice(0).length;
    });
    return pipeline;
  }

  function workOn(request: Request, socket: Socket, pipeline: Pipeline): void {
    pipeline.behind += 1;
    request[1].once("close", () => {
      pipeline.behind -= 1;
      if (pipeline.waiting.length === 0 || pipeline.isDue) return;
      pipeline.isDue = true;
      setImmediate(() => goOn(socket, pipeline));
    });
    handOn(request);
  }

  function goOn(socket: Socket, pipeline: Pipeline): void {
    pipeline.isDue = false;
    // Replies go out in order, so that the first is out as well.
    const room = options.unansweredMax - pipeline.behind;
    for (const request of pipeline.waiting.splice(0, room)) {
      waitingInAll -= 1;
      workOn(request, socket, pipeline);
    }
    if (pipeline.waiting.length === 0) socket.resume();
  }
}
