import { validateHeaderName, validateHeaderValue } from "node:http";
import type { FastifyReply } from "fastify";

/**
 * Sends a payload under the Content-Type that the reply has, to the letter. Fastify adds a charset to JSON that it is
 * given as text, but not to what a serializer of the reply's own has made; and text goes out in one piece with the
 * head, which bytes do not.
 */
export function sendExactly(reply: FastifyReply, payload: string | Buffer): void {
  if (typeof payload === "string") reply.serializer(asItIs);
  reply.send(payload);
}

function asItIs(payload: unknown): string {
  return String(payload);
}

/** Headers that a method adds to its reply, an error reply included. */
export interface ResponseHeaders {
  /** Replaces a header. Throws a TypeError for a name or value that HTTP does not allow, or for a reserved name. */
  set(name: string, value: string): void;
  /** Adds one more line of a header. Throws as `set` does. */
  append(name: string, value: string): void;
}

// The adapter decides how the body is written, and HTTP how it is framed.
const RESERVED: ReadonlySet<string> = new Set(["content-type", "content-length", "transfer-encoding", "connection"]);

/** Writes headers through Fastify, so that its own hooks see them. */
export class GuardedHeaders implements ResponseHeaders {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  set(name: string, value: string): void {
    check(name, value);
    this.#reply.removeHeader(name);
    this.#reply.header(name, value);
  }

  append(name: string, value: string): void {
    check(name, value);
    const present = this.#reply.getHeader(name);
    // Fastify itself adds further cookies to a list, and replaces everything else.
    if (present === undefined || name.toLowerCase() === "set-cookie") this.#reply.header(name, value);
    else this.#reply.header(name, Array.isArray(present) ? [...present, value] : [String(present), value]);
  }
}

function check(name: string, value: string): void {
  validateHeaderName(name);
  validateHeaderValue(name, value);
  if (RESERVED.has(name.toLowerCase())) throw new TypeError(`header ${name} cannot be set by a method`);
}
