/** The least that a Node server can do: read the body, answer fixed bytes. */
import { createServer } from "node:http";
import { Account } from "../../generated/server/finance/v1/account.ts";
import { account } from "../constant-account.ts";
import { serve } from "../serve.ts";

const payload = Buffer.from(Account.toJsonString(account, { emitDefaultValues: true, useProtoFieldName: true }));
const headers = { "content-type": "application/json", "content-length": payload.length };

serve(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.writeHead(200, headers);
      response.end(payload);
    });
  }),
);
