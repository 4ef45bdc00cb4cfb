import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { limitPipelining, shareChunks } from "../../src/plugins/index.ts";

/** The most bytes that Node reads from a connection at once. */
const READ_BYTES = 65_536;
const CHUNKS = 300_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The most bytes that a server reads from one connection in one turn of the event loop, if a body has chunks of one byte. */
async function bytesInTurn(answer: RequestListener): Promise<{ most: number; replies: string }> {
  const server = createServer(answer);
  limitPipelining(server, { unansweredMax: 2, waitingMax: 10, onCut: () => undefined });
  shareChunks(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  let most = 0;
  server.on("connection", (socket: Socket) => {
    let before = 0;
    const look = () => {
      most = Math.max(most, socket.bytesRead - before);
      before = socket.bytesRead;
      if (!socket.destroyed) setImmediate(look);
    };
    look();
  });
  const client = connect(port, "127.0.0.1");
  closing.push(() => client.destroy());
  const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  client.end(
    `${head}${"1\r\na\r\n".repeat(CHUNKS)}0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  let replies = "";
  client.setEncoding("latin1").on("data", (text: string) => {
    replies += text;
  });
  await once(client, "close");
  return { most, replies };
}

test.each<[what: string, answer: RequestListener, reply: string]>([
  [
    "is read",
    async (request, response) => {
      let size = 0;
      for await (const chunk of request) size += chunk.length;
      response.end(`got ${size}`);
    },
    `got ${CHUNKS}`,
  ],
  ["is discarded", (_request, response) => void response.end("got none"), "got none"],
])("a body of many chunks that %s does not block other connections", async (_what, answer, reply) => {
  const { most, replies } = await bytesInTurn(answer);
  expect(most).toBeLessThanOrEqual(2 * READ_BYTES);
  expect(replies.split("HTTP/1.1 200")).toHaveLength(3);
  expect(replies).toContain(reply);
});
