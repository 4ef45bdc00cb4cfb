import Fastify from "fastify";
import { compile, cors } from "finance-service/cors";
import { strictHttp, twirp, twirpClientErrors, twirpFrameworkErrors } from "finance-service/twirp";
import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { HatService } from "./generated/hats/v1/hats.ts";
import { createHatServiceServer, type HatServiceTwirp } from "./generated/hats/v1/hats.twirp.ts";

const colours = ["black", "brown", "red"] as const;
let made = 0n;

const hats: HatServiceTwirp = {
  async MakeHat(_context, { inches }) {
    if (inches < 1 || inches > 100) {
      throw new TwirpError(TwirpErrorCode.InvalidArgument, `inches must be 1 to 100, got ${inches}`);
    }
    made += 1n;
    return { id: made, inches, colour: colours[inches % colours.length] ?? "black" };
  },
};

const policy = compile({
  allowedOrigins: (process.env.ORIGINS ?? "http://localhost:*").split(","),
  allowedMethods: ["POST"],
  allowedHeaders: ["content-type"],
});
if (!policy.ok) throw new Error(policy.mistakes.map(({ message }) => message).join("\n"));

const app = Fastify({
  logger: true,
  // Broken URLs and broken HTTP fail before any plugin runs; these answer them with Twirp errors.
  frameworkErrors: twirpFrameworkErrors(),
  clientErrorHandler: twirpClientErrors,
  http: { requireHostHeader: false },
});
await app.register(strictHttp);
await app.register(cors, { policy: policy.policy });
await app.register(twirp, { services: [{ server: createHatServiceServer(hats), type: HatService }] });
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 8080) });

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => app.close());
