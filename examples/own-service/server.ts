import { compile, cors } from "@finance-service/cors";
import {
  type CallContext,
  strictHttp,
  TwirpError,
  TwirpErrorCode,
  twirp,
  twirpClientErrors,
  twirpFrameworkErrors,
} from "@finance-service/twirp";
import Fastify from "fastify";
import type { IHatService } from "./generated/hats/v1/hats.server.ts";
import { HatService } from "./generated/hats/v1/hats.ts";

const colours = ["black", "brown", "red"] as const;
let made = 0n;

const hats: IHatService<CallContext> = {
  async makeHat({ inches }) {
    if (inches < 1 || inches > 100) {
      throw new TwirpError(TwirpErrorCode.InvalidArgument, `inches must be 1 to 100, got ${inches}`);
    }
    made += 1n;
    return { id: made, inches, colour: colours[inches % colours.length] ?? "black" };
  },
};

const compiled = compile({
  allowedOrigins: ["http://localhost:*"],
  allowedMethods: ["POST"],
  allowedHeaders: ["content-type"],
});
if (!compiled.ok) throw new Error(compiled.mistakes.map(({ message }) => message).join("\n"));

const app = Fastify({
  logger: true,
  // Broken URLs and broken HTTP reach no plugin; these answer them with Twirp errors.
  frameworkErrors: twirpFrameworkErrors(),
  clientErrorHandler: twirpClientErrors,
  http: { requireHostHeader: false },
});
await app.register(strictHttp);
await app.register(cors, { policy: compiled.policy });
await app.register(twirp, { services: [{ implementation: hats, type: HatService }] });
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 8080) });

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => app.close());
