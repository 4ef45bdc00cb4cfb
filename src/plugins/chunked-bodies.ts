import type { IncomingMessage, Server } from "node:http";

/** Chunks of one connection that are taken before others have their turn; a body in chunks of usual size has fewer. */
const CHUNKS_MAX = 256;

/**
 * Gives other connections their turn while a body comes in very many chunks.
 *
 * Each chunk costs as much as some hundred bytes, and Node reads up to 2 MiB of one connection before it looks at the next:
 * a third of a million chunks of one byte. So after some chunks a connection is read no further until others had their turn,
 * also when nobody wants the body, as that of a request for a path that does not exist.
 */
export function shareChunks(server: Server): void {
  server.prependListener("request", (request, response) => {
    if (request.headers["transfer-encoding"] === undefined) return;
    countChunks(request);
    // Node would skip a body that nobody has begun to read, without handing on its chunks.
    request.read(0);
    response.once("finish", () => request.resume());
  });
}

function countChunks(request: IncomingMessage): void {
  const { push, socket } = request;
  let inTurn = 0;
  // Node reads on by itself when a part of the body is taken.
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
