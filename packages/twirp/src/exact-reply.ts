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
