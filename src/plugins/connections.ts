/** Keeps one connection from starving the others: how many may be open, and how much of one is read at a time. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as immediate } from "node:timers/promises";
import proxyAddr from "@fastify/proxy-addr";
import ipaddr from "ipaddr.js";
import type { ServerLimits } from "./server-options.ts";

/** Connections over a limit that are accepted so that their requests can be refused properly. */
const SURPLUS_MAX = 100;

/** The limit that a connection exceeds. */
export type SurplusReason = "connections" | "connections_per_address";

export interface ConnectionsOptions {
  /** Open connections. */
  readonly max: number;
  /** Open connections of one address, or of one IPv6 network of 64 bits. */
  readonly maxPerAddress: number;
  /** Whether an address is a proxy, which may open any number because it stands for many clients. */
  readonly isProxy: (address: string) => boolean;
  /** Called for each connection that is closed without an answer. */
  readonly onDrop: (reason: SurplusReason) => void;
}

/**
 * Counts the open connections of a server, in all and by address.
 *
 * Connections over a limit are accepted too, but only the latest hundred stay open: their calls are refused, while health
 * checks are answered however many connections idle.
 */
export class Connections {
  readonly max: number;
  readonly #ofAddress = new Map<string, number>();
  /** In the order in which they were opened. */
  readonly #surplus = new Map<Socket, SurplusReason>();
  #open = 0;

  constructor(server: Server, { max, maxPerAddress, isProxy, onDrop }: ConnectionsOptions) {
    this.max = max;
    server.on("connection", (socket: Socket) => {
      const { remoteAddress } = socket;
      const address = remoteAddress === undefined || isProxy(remoteAddress) ? undefined : networkOf(remoteAddress);
      const ofAddress = this.#count(address, 1);
      this.#open += 1;
      socket.once("close", () => {
        this.#open -= 1;
        this.#count(address, -1);
        this.#surplus.delete(socket);
      });
      if (this.#open > max) this.#surplus.set(socket, "connections");
      else if (ofAddress > maxPerAddress) this.#surplus.set(socket, "connections_per_address");
      if (this.#surplus.size <= SURPLUS_MAX) return;
      for (const [oldest, reason] of this.#surplus) {
        this.#surplus.delete(oldest);
        onDrop(reason);
        oldest.destroy();
        break;
      }
    });
  }

  get open(): number {
    return this.#open;
  }

  /** The limit that was exceeded when the connection was opened; undefined when there was room. */
  surplusReason(socket: Socket): SurplusReason | undefined {
    return this.#surplus.get(socket);
  }

  #count(address: string | undefined, change: 1 | -1): number {
    if (address === undefined) return 0;
    const count = (this.#ofAddress.get(address) ?? 0) + change;
    if (count > 0) this.#ofAddress.set(address, count);
    else this.#ofAddress.delete(address);
    return count;
  }
}

/**
 * Compiles a list of proxies: addresses, networks as `10.0.0.0/8`, and `loopback`, `linklocal` or `uniquelocal`.
 *
 * @returns whether an address belongs to one of the proxies.
 * @throws TypeError for anything else in the list.
 */
export function proxiesIn(list: readonly string[]): (address: string) => boolean {
  const isProxy = proxyAddr.compile([...list]);
  return (address) => isProxy(address, 0);
}

/** The network that one client has for itself: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function networkOf(address: string): string {
  // A proxy may forward a client's own words.
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const groups = parsed.parts.slice(0, 4).map((group) => group.toString(16));
  return `${groups.join(":")}::/64`;
}

/** A turn of the event loop that took longer may have missed bytes that arrived meanwhile. */
const SHORT_TURN_MS = 5;

/** Turns to wait for a short one, at least a second in all, before giving up. */
const TURNS_MAX = 200;

/**
 * Sets how long connections may idle, and closes those that were silent for too long.
 *
 * If the server closes an idle connection just when its client sends a request, the client can't know whether the request
 * was carried out. So the server waits longer than clients do and lets them close first, unless more than half of its
 * connections are taken.
 */
export function keepIdleConnections(
  server: Server,
  connections: Pick<Connections, "open" | "max">,
  limits: Pick<ServerLimits, "keepAliveTimeoutMs" | "crowdedKeepAliveTimeoutMs">,
): void {
  const adapt = () => {
    const isCrowded = connections.open > connections.max / 2;
    server.keepAliveTimeout = isCrowded ? limits.crowdedKeepAliveTimeoutMs : limits.keepAliveTimeoutMs;
  };
  server.on("connection", (socket: Socket) => {
    adapt();
    socket.once("close", adapt);
  });
  // With a listener, Node does not close the connection itself.
  server.on("timeout", (socket: Socket) => {
    const { bytesRead } = socket;
    void socketsRead().then(() => {
      if (socket.bytesRead === bytesRead) socket.destroy();
    });
  });
}

/**
 * Resolves when everything that clients have sent so far was read.
 *
 * Node runs timers and closes sockets before it reads, so after a busy moment a request may lie unread in the kernel. This
 * waits until sockets were read in a turn that was too short for more bytes to arrive unnoticed.
 */
export async function socketsRead(): Promise<void> {
  // Immediates run right after sockets were read; from the first one to the next is a whole turn.
  await immediate();
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    const started = performance.now();
    await immediate();
    if (performance.now() - started <= SHORT_TURN_MS) return;
  }
}

export interface PipeliningOptions {
  /** Unanswered requests of one connection that are worked on; at least 2. */
  readonly unansweredMax: number;
  /** Requests of all connections that may wait. */
  readonly waitingMax: number;
  /** Called for each connection that is cut because more of its requests would have to wait. */
  readonly onCut: () => void;
}

type Request = readonly [request: IncomingMessage, response: ServerResponse];

/** A connection that sent a request before the one before it was answered. */
interface Pipeline {
  /** Requests in progress that came before an earlier one was answered. */
  behind: number;
  readonly waiting: Request[];
  isDue: boolean;
}

/**
 * Starts only a few requests of one connection at a time, so that a client that sends thousands at once delays nobody
 * else. Call it after the listeners for requests were added.
 *
 * Further requests wait until earlier ones of their connection are answered, and meanwhile the connection is not read.
 * Node parses what it has read at once, 64 KiB, so thousands may wait; the total is limited too. Waiting requests start
 * after the other connections had their turn.
 *
 * @returns how many requests wait.
 */
export function limitPipelining(server: Server, options: PipeliningOptions): () => number {
  const handlers = server.rawListeners("request") as ((...request: Request) => void)[];
  const pipelines = new WeakMap<Socket, Pipeline>();
  let waitingInAll = 0;

  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    // Node assigns the socket to a response once all earlier ones were sent.
    if (response.socket !== null) handle([request, response]);
    else enqueue([request, response], request.socket);
  });
  return () => waitingInAll;

  function handle(request: Request): void {
    for (const handler of handlers) handler.apply(server, [...request]);
  }

  function enqueue(request: Request, socket: Socket): void {
    if (socket.destroyed) return;
    const pipeline = pipelines.get(socket) ?? open(socket);
    if (pipeline.waiting.length === 0 && pipeline.behind < options.unansweredMax - 1) {
      start(request, socket, pipeline);
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
    // Node resumes the socket by itself when replies were sent.
    socket.on("resume", () => {
      if (pipeline.waiting.length > 0) socket.pause();
    });
    socket.once("close", () => {
      waitingInAll -= pipeline.waiting.splice(0).length;
    });
    return pipeline;
  }

  function start(request: Request, socket: Socket, pipeline: Pipeline): void {
    pipeline.behind += 1;
    request[1].once("close", () => {
      pipeline.behind -= 1;
      if (pipeline.waiting.length === 0 || pipeline.isDue) return;
      pipeline.isDue = true;
      setImmediate(() => startNext(socket, pipeline));
    });
    handle(request);
  }

  function startNext(socket: Socket, pipeline: Pipeline): void {
    pipeline.isDue = false;
    // Replies are sent in order, so the first request is answered as well.
    const room = options.unansweredMax - pipeline.behind;
    for (const request of pipeline.waiting.splice(0, room)) {
      waitingInAll -= 1;
      start(request, socket, pipeline);
    }
    if (pipeline.waiting.length === 0) socket.resume();
  }
}

/** Chunks of one connection that are read before others get their turn. Bodies in chunks of usual size have fewer. */
const CHUNKS_MAX = 256;

/**
 * Lets other connections be read while a body arrives in very many chunks.
 *
 * A chunk costs as much as some hundred bytes, and Node reads up to 2 MiB of one connection in a turn: a third of a million
 * chunks of one byte. So after some chunks a connection is paused until the others were read, even if nothing reads the
 * body, as for a path that does not exist.
 */
export function shareChunks(server: Server): void {
  server.prependListener("request", (request, response) => {
    if (request.headers["transfer-encoding"] === undefined) return;
    countChunks(request);
    // Otherwise Node skips a body that nothing has begun to read, and its chunks are not counted.
    request.read(0);
    response.once("finish", () => request.resume());
  });
}

function countChunks(request: IncomingMessage): void {
  const { push, socket } = request;
  let inTurn = 0;
  // Node resumes the socket by itself when a part of the body was taken.
  const keepPaused = () => {
    if (inTurn >= CHUNKS_MAX) socket.pause();
  };
  socket.on("resume", keepPaused);
  request.once("close", () => socket.off("resume", keepPaused));
  request.push = (chunk: unknown, encoding?: BufferEncoding) => {
    inTurn += 1;
    if (inTurn === CHUNKS_MAX) {
      socket.pause();
      setImmediate(() => {
        inTurn = 0;
        socket.resume();
      });
    }
    return push.call(request, chunk, encoding);
  };
}
