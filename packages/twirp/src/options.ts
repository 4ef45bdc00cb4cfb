import type { IMessageType } from "@protobuf-ts/runtime";
import type { ServiceType } from "@protobuf-ts/runtime-rpc";
import type { CallMemory } from "./call-memory.ts";
import type { DecodingLimits } from "./codec/limits.ts";
import type { CallContext } from "./context.ts";
import { TIMER_MS_MAX } from "./time-limits.ts";
import type { Interceptor, ServerHooks, TwirpContext, TwirpError } from "./twirp-ts.ts";

/** A service that twirp-ts and protobuf-ts generated, or protobuf-ts alone. */
export type TwirpService = TwirpTsService | ProtobufTsService;

/** A service of twirp-ts, whose server knows hooks and interceptors of its own. */
export interface TwirpTsService {
  /** From the generated `create…Server(implementation)`. */
  readonly server: AnyTwirpServer;
  /** The generated protobuf-ts `ServiceType` of the same name. */
  readonly type: ServiceType;
}

/** A service without twirp-ts. */
export interface ProtobufTsService {
  /** An object of the interface that protobuf-ts generates with `server_generic`: `I…Service<CallContext>`. */
  readonly implementation: object;
  /** The generated protobuf-ts `ServiceType`. */
  readonly type: ServiceType;
}

/** The part of a twirp-ts `TwirpServer` that its types show. */
export interface AnyTwirpServer {
  readonly packageName: string;
  readonly serviceName: string;
  readonly methodList: readonly PropertyKey[];
}

/** How messages read and write as JSON. */
export interface TwirpJsonOptions {
  /** Write fields that hold their zero value, as Go Twirp does. Default true. */
  readonly emitDefaults?: boolean;
  /** Write lowerCamelCase names, or the field's `json_name`, instead of the names in the .proto. Default false. */
  readonly camelCase?: boolean;
}

interface BaseOptions<Context extends TwirpContext> {
  /** Path before `/package.Service/Method`: empty, or starting with `/` and not ending with one. Default `/twirp`. */
  readonly prefix?: string;
  /** Bytes of a request body; more is `malformed`. Default 1048576. */
  readonly bodyLimit?: number;
  /** Limits of decoding, besides the bytes of the body. */
  readonly limits?: DecodingLimits;
  /** Bounds the bytes that all calls together hold: bodies, what methods make of them, replies. Default: no bound. */
  readonly memory?: CallMemory;
  /** Milliseconds for a whole request body to arrive; then `deadline_exceeded`. Default 30000. */
  readonly readTimeout?: number;
  /**
   * Milliseconds for a whole call, from its routing to its reply; then it is answered with `deadline_exceeded`. A caller
   * may ask for less with the header `twirp-timeout-ms`. Default: no limit but the caller's.
   */
  readonly deadline?: number;
  /**
   * Milliseconds that calls in flight may take to finish once the server closes or `draining` aborts; then they are
   * answered with `unavailable`. Default 10000.
   */
  readonly gracePeriod?: number;
  /** New calls are refused with `unavailable` from the moment it aborts. Default: when the server starts to close. */
  readonly draining?: AbortSignal;
  /**
   * `server`: this plugin answers every path of the server that no route matches. `prefix`: only those below the prefix,
   * for a second mount or an application with its own not-found handler. Default `server`.
   */
  readonly unmatched?: "server" | "prefix";
  /** Turns an application error into a Twirp error; undefined for the default mapping. */
  readonly mapError?: (error: unknown, call: Context) => TwirpError | undefined;
  /** Run for every call and every unmatched path, before those of the service itself. */
  readonly hooks?: readonly ServerHooks<Context>[];
  /** Run around every call, outside those of the service itself. */
  // biome-ignore lint/suspicious/noExplicitAny: twirp-ts types interceptors this way.
  readonly interceptors?: readonly Interceptor<Context, any, any>[];
  readonly json?: TwirpJsonOptions;
  /**
   * Further message types that a `google.protobuf.Any` may hold in JSON. The types of the services' methods, and of all
   * their fields, are known. Default: none.
   */
  readonly types?: readonly IMessageType<object>[];
}

/** The members that a service's context adds to the adapter's. */
type ContextExtension<Context> = Omit<Context, keyof CallContext>;

type Extend<Result> = (call: CallContext) => Result | Promise<Result>;

/** Options of a mount whose services share one context type. */
export type TypedTwirpOptions<Context extends TwirpContext> = BaseOptions<Context> & {
  readonly services: readonly (TwirpTsService & {
    readonly server: { use(...middlewares: ServerHooks<Context>[]): unknown };
  })[];
} & (object extends ContextExtension<Context>
    ? { readonly extendContext?: Extend<ContextExtension<Context>> }
    : { readonly extendContext: Extend<ContextExtension<Context>> });

/** Options of the plugin. */
export interface TwirpOptions extends BaseOptions<CallContext> {
  readonly services: readonly TwirpService[];
  /**
   * Runs when a call is routed, before its body is read. Its result becomes members of the call's context. If it throws,
   * the call fails, so authenticate here.
   */
  readonly extendContext?: Extend<object>;
}

/**
 * Types hooks, interceptors and `mapError` with the services' context, and checks that `extendContext` returns what this
 * context adds. It returns the options unchanged.
 *
 * @example
 * await app.register(twirp, twirpOptions({
 *   services: [{ server: createFinanceServiceServer<FinanceContext>(finance), type: FinanceService }],
 *   extendContext: async (call) => ({ caller: await authenticate(call.request) }),
 * }));
 */
export function twirpOptions<Context extends TwirpContext>(options: TypedTwirpOptions<Context>): TwirpOptions {
  // By the type above, extendContext adds all members of Context.
  return options as unknown as TwirpOptions;
}

/** Options with every default filled in. */
export type TwirpSettings = Readonly<ReturnType<typeof settingsOf>>;

/** Fills in defaults. Throws when an option is out of its domain. */
export function settingsOf(options: TwirpOptions) {
  const { prefix = "/twirp", bodyLimit = 1_048_576, readTimeout = 30_000, deadline, gracePeriod = 10_000 } = options;
  const { services, limits = {}, memory, draining, extendContext, unmatched = "server" } = options;
  const { mapError = () => undefined, hooks = [], interceptors = [], types = [] } = options;
  const { emitDefaults = true, camelCase = false } = options.json ?? {};
  if (prefix !== "" && !/^(?:\/[^/?#]+)+$/.test(prefix)) {
    throw new Error(
      `twirp: prefix must be empty or start with "/" and not end with one, got ${JSON.stringify(prefix)}`,
    );
  }
  assertPositive("bodyLimit", bodyLimit, Number.MAX_SAFE_INTEGER);
  assertPositive("readTimeout", readTimeout, TIMER_MS_MAX);
  assertPositive("deadline", deadline ?? TIMER_MS_MAX, TIMER_MS_MAX);
  assertPositive("gracePeriod", gracePeriod, TIMER_MS_MAX);
  assertLimits(limits);
  if (services.length === 0) throw new Error("twirp: services is empty");
  const json: Required<TwirpJsonOptions> = { emitDefaults, camelCase };
  const times = { readTimeout, deadline, gracePeriod, draining };
  const extensions = { extendContext, mapError, hooks, interceptors, types };
  return { prefix, services, bodyLimit, limits, memory, unmatched, json, ...times, ...extensions };
}

function assertLimits({ objects = 1, unknownFields = 1, elements = {} }: DecodingLimits): void {
  assertPositive("limits.objects", objects, Number.MAX_SAFE_INTEGER);
  assertPositive("limits.unknownFields", unknownFields, Number.MAX_SAFE_INTEGER);
  for (const [name, limit] of Object.entries(elements)) {
    const max = typeof limit === "number" ? limit : limit.max;
    assertPositive(`limits.elements: ${name}`, max, Number.MAX_SAFE_INTEGER);
  }
}

function assertPositive(name: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value <= 0 || value > max) {
    throw new Error(`twirp: ${name} must be a whole number from 1 to ${max}, got ${value}`);
  }
}
