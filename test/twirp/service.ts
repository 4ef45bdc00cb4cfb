import { LongType, MessageType, RepeatType, ScalarType } from "@protobuf-ts/runtime";
import { ServiceType } from "@protobuf-ts/runtime-rpc";
import { type ServerHooks, TwirpServer } from "twirp-ts";
import type { CallContext, TwirpService } from "../../packages/twirp/src/index.ts";

/** A hat, and the order for one. */
export interface Hat {
  size: bigint;
  name: string;
  tags: string[];
}

export const HatType = new MessageType<Hat>("hats.Hat", [
  { no: 1, name: "size", kind: "scalar", T: ScalarType.INT64, L: LongType.BIGINT },
  { no: 2, name: "name", kind: "scalar", T: ScalarType.STRING },
  { no: 3, name: "tags", kind: "scalar", repeat: RepeatType.UNPACKED, T: ScalarType.STRING },
]);

export const HatService = new ServiceType("hats.HatService", [
  { name: "Make", options: {}, I: HatType, O: HatType },
  { name: "Try_on", options: {}, I: HatType, O: HatType },
]);

type Method<Context> = (context: Context, hat: Hat) => unknown;

/** What a test implements of the service; a method may return anything, like plain JavaScript. */
export interface Hats<Context = CallContext> {
  Make?: Method<Context>;
  Try_on?: Method<Context>;
}

/** A server as twirp-ts generates it, but for the route handlers, which the adapter does not use. */
export function hatServer<Context extends CallContext = CallContext>(
  hats: Hats<Context>,
): TwirpServer<Hats<Context>, Context> {
  return new TwirpServer<Hats<Context>, Context>({
    service: hats,
    packageName: "hats",
    serviceName: "HatService",
    methodList: ["Make", "Try_on"],
    matchRoute: () => {
      throw new Error("the adapter does not use these handlers");
    },
  });
}

/** A mount of the service. */
export function hatService(hats: Hats): TwirpService {
  return { server: hatServer(hats), type: HatService };
}

/** Hooks that write down the order of events. */
export function recordingHooks(events: string[], label = ""): ServerHooks<CallContext> {
  return {
    requestReceived: (context) => void events.push(`${label}received ${context.methodName}`),
    requestRouted: (context) => void events.push(`${label}routed ${context.methodName}`),
    responsePrepared: (context) => void events.push(`${label}prepared ${context.status}`),
    responseSent: (context) => void events.push(`${label}sent ${context.status}`),
    error: (context, error) => void events.push(`${label}error ${error.code} ${context.status}`),
  };
}
