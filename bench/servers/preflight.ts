/** Answers preflights: `early` and `policy` with our plugin, before Fastify and by its hooks, `stock` with @fastify/cors alone, `bare` with a Fastify route that sets ready headers. */
import fastifyCors from "@fastify/cors";
import Fastify from "fastify";
import { compile, cors } from "../../packages/cors/src/index.ts";
import { BENCH_ORIGIN } from "../adapter-caller.ts";
import { serve } from "../serve.ts";

const [kind] = process.argv.slice(2);
const allowedHeaders = ["authorization", "content-type"];
const app = Fastify();

if (kind === "policy" || kind === "early") {
  const compiled = compile({
    allowedOrigins: [BENCH_ORIGIN, "https://*.example.com"],
    allowedMethods: ["POST"],
    allowedHeaders,
    maxAge: 86_400,
  });
  if (!compiled.ok) throw new Error("the benchmark's CORS policy is wrong");
  await app.register(cors, { policy: compiled.policy, early: kind === "early" });
} else if (kind === "stock") {
  await app.register(fastifyCors, { origin: [BENCH_ORIGIN], methods: ["POST"], allowedHeaders, maxAge: 86_400 });
} else {
  app.options("*", (_request, reply) => {
    reply
      .code(204)
      .headers({
        vary: "Origin",
        "access-control-allow-origin": BENCH_ORIGIN,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "86400",
      })
      .send();
  });
}
await app.ready();
serve(app.server);
