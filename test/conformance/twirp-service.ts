import { InvalidArgumentError, RequiredArgumentError, TwirpError, type TwirpErrorCode } from "twirp-ts";
import type { CallContext, TwirpService } from "../../packages/twirp/src/index.ts";
import type { Implementation, SchemaService } from "./twirp-schema.ts";

/** What the methods of a running server report to the runner. */
export interface ServiceEvents {
  readonly onWaiting: () => void;
  readonly onAborted: () => void;
}

/** Mounts a service whose methods do what the table's `handlers` say; other methods echo. */
export function mountHandlers({ type, mount }: SchemaService, events: ServiceEvents, without?: string): TwirpService {
  const handlers: Implementation = {
    Blank: () => type.methods.find((method) => method.name === "Blank")?.O.create(),
    Fail: (_context, request) => fail(request),
    Wait: (context, request) => wait(context, Number(request["ms"]), events),
    Headers: (context, request) => {
      context.headers.set("Cache-Control", "no-store");
      context.headers.append("X-Multi", "a");
      context.headers.append("X-Multi", "b");
      try {
        context.headers.set("Content-Type", "text/html");
      } catch {
        // Refused, as expected.
      }
      return request;
    },
  };
  const implementation: Implementation = {};
  for (const { name } of type.methods) {
    if (name !== without) implementation[name] = handlers[name] ?? ((_context, request) => request);
  }
  return mount(implementation);
}

function fail(request: Record<string, unknown>): unknown {
  const msg = String(request["msg"]);
  switch (request["kind"]) {
    case "panic":
      throw msg;
    case "nil":
      return undefined;
    case "plain":
      throw new Error(msg);
    case "wrapped":
      throw new Error("a wrapper", { cause: twirpError("not_found", msg) });
    case "argument":
      throw new InvalidArgumentError("name", msg);
    case "required":
      throw new RequiredArgumentError("name");
    case "badstring":
      throw twirpError("internal", "half of a pair: \ud800");
    case "badresponse":
      return "a string";
    default: {
      const error = twirpError(String(request["code"]), msg);
      for (const [key, value] of Object.entries({ ...Object(request["meta"]) })) error.withMeta(key, String(value));
      throw error;
    }
  }
}

function wait({ signal }: CallContext, ms: number, { onWaiting, onAborted }: ServiceEvents): Promise<object> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({}), ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      onAborted();
      reject(signal.reason);
    });
    onWaiting();
  });
}

/** A Twirp error with any code, also one that the protocol lacks. */
export function twirpError(code: string, msg: string): TwirpError {
  // The table uses codes that the type excludes.
  return new TwirpError(code as TwirpErrorCode, msg);
}
