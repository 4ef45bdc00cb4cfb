import { RpcError } from "@protobuf-ts/runtime-rpc";
import { TwirpFetchTransport } from "@protobuf-ts/twirp-transport";
import { HatServiceClient } from "./generated/hats/v1/hats.client.ts";

const baseUrl = process.env.HATS ?? "http://127.0.0.1:8080/twirp";
const hats = new HatServiceClient(new TwirpFetchTransport({ baseUrl }));

try {
  const { response: hat } = await hats.makeHat({ inches: Number(process.argv[2] ?? 12) });
  // The id is a bigint, so no digit is lost however large it grows.
  console.log(`Hat ${hat.id} is ${hat.colour} and fits ${hat.inches} inches.`);
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
