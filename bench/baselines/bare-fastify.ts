/** Fastify with one route and its own JSON parser: what any Fastify application pays. */
import Fastify from "fastify";
import { Account } from "../../generated/server/finance/v1/account.ts";
import { account, GET_ACCOUNT } from "../constant-account.ts";
import { serve } from "../serve.ts";

const payload = Account.toJsonString(account, { emitDefaultValues: true, useProtoFieldName: true });

const app = Fastify();
app.post(GET_ACCOUNT, (_request, reply) => {
  reply.header("content-type", "application/json").send(payload);
});
await app.ready();
serve(app.server);
