import { compile, cors } from "@finance-service/cors";
import Fastify from "fastify";

const { ORIGINS = "https://app.example.com,http://localhost:*", PORT = "8080" } = process.env;

const compiled = compile({
  allowedOrigins: ORIGINS.split(","),
  allowedMethods: ["POST", "PUT"],
  allowedHeaders: ["authorization", "content-type"],
  exposedHeaders: ["x-request-id"],
  maxAge: 7200,
});
// A policy that no browser could use is refused here, with every mistake at once.
if (!compiled.ok) {
  for (const { option, message } of compiled.mistakes) console.error(`${option}: ${message}`);
  process.exit(1);
}

const app = Fastify({ logger: true });
// First, so that preflights are answered before authentication and every reply has its headers.
await app.register(cors, { policy: compiled.policy });
app.post("/greet", async (request) => ({ text: `Hello, ${request.body.name}!` }));
await app.listen({ host: "127.0.0.1", port: Number(PORT) });

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => app.close());
