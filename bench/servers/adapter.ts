/** The Twirp plugin with a constant reply. The arguments `cors` and `auth` add what precedes it in the service. */
import Fastify from "fastify";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { createFinanceServiceServer } from "../../generated/server/finance/v1/finance.twirp.ts";
import { compile, cors } from "../../packages/cors/src/index.ts";
import { twirp } from "../../packages/twirp/src/index.ts";
import { createAuthenticator } from "../../src/auth/index.ts";
import { BENCH_ORIGIN, BENCH_SECRET } from "../adapter-caller.ts";
import { constantService } from "../constant-account.ts";
import { serve } from "../serve.ts";

const parts = new Set(process.argv.slice(2));
const app = Fastify();

if (parts.has("cors")) {
  const compiled = compile({
    allowedOrigins: [BENCH_ORIGIN],
    allowedHeaders: ["authorization", "content-type"],
    exposedHeaders: ["x-request-id"],
  });
  if (!compiled.ok) throw new Error("the benchmark's CORS policy is wrong");
  await app.register(cors, { policy: compiled.policy });
}

const authenticate = createAuthenticator({ trust: { secret: BENCH_SECRET } });
await app.register(twirp, {
  services: [{ server: createFinanceServiceServer(constantService), type: FinanceService }],
  deadline: 30_000,
  ...(parts.has("auth") && {
    extendContext: ({ request }) => {
      const caller = authenticate(request.headers.authorization);
      return caller instanceof Promise ? caller.then((established) => ({ caller: established })) : { caller };
    },
  }),
});
await app.ready();
serve(app.server);
