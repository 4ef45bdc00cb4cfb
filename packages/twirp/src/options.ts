import type { IMessageType } from "@protobuf-ts/runtime";
import type { ServiceType } from "@protobuf-ts/runtime-rpc";
import type { CallMemory } from "./call-memory.ts";
import type { DecodingLimits } from "./codec/limits.ts";
import type { CallContext } from "./context.ts";
import { TIMER_MS_MAX } from "./deadline.ts";
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
  /** Most bytes of a request body; more is `malformed`. Default 1048576. */
  readonly bodyLimit?: number;
  /** What of a body is read, besides its bytes. */
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
  /** Turns new calls away, with `unavailable`, from the moment it aborts. Default: when the server starts to close. */
  readonly draining?: AbortSignal;
  /**
   * Who answers a path that no route matches: this plugin for the whole server (`server`), or only below the prefix
   * (`prefix`), which a second mount and an application with a not-found handler of its own need. Default `server`.
   */
  readonly unmatched?: "server" | "prefix";
  /** The one place where application errors become Twirp errors; undefined asks for the default mapping. */
  readonly mapError?: (error: unknown, call: Context) => TwirpError | undefined;
  /** Run for every call and every unmatched path, before those of the service itself. */
  readonly hooks?: readonly ServerHooks<Context>[];
  /** Run around every call, outside those of the service itself. */
  // biome-ignore lint/suspicious/noExplicitAny: twirp-ts types an interceptor for messages of every type so.
  readonly interceptors?: readonly Interceptor<Context, any, any>[];
  readonly json?: TwirpJsonOptions;
  /**
   * Further message types that a `google.protobuf.Any` may hold in JSON, where its content is written out. Those of the
   * services' own methods, and all that their fields mention, are known. Default: none.
   */
  readonly types?: readonly IMessageType<object>[];
}

/** What a service's context has beyond the adapter's own. */
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
   * Runs once a call is routed, before its body is read. What it returns becomes members of the call's context; what it
   * throws fails the call, so authentication belongs here.
   */
  readonly extendContext?: Extend<object>;
}

/**
 * Checks that `extendContext` gives what the services' context type asks for, and types hooks, interceptors and
 * `mapError` with that context. It changes nothing.
 *
 * @example
 * await app.register(twirp, twirpOptions({
 *   services: [{ server: createFinanceServiceServer<FinanceContext>(finance), type: FinanceService }],
 *   extendContext: async (call) => ({ caller: await authenticate(call.request) }),
 * }));
 */
export function twirpOptions<Context extends TwirpContext>(options: TypedTwirpOptions<Context>): TwirpOptions {
  // The type above is the proof that at run time the one context has all members of Context.
  return options as unknown as TwirpOptions;
}

/** Options with every default filled in. */
export interface TwirpSettings {
  readonly prefix: string;
  readonly services: readonly TwirpService[];
  readonly bodyLimit: number;
  readonly limits: DecodingLimits;
  readonly memory: CallMemory | undefined;
  readonly readTimeout: number;
  readonly deadline: number | undefined;
  readonly gracePeriod: number;
  readonly draining: AbortSignal | undefined;
  readonly unmatched: "server" | "prefix";
  readonly extendContext: Extend<object> | undefined;
  readonly mapError: (error: unknown, call: CallContext) => TwirpError | undefined;
  readonly hooks: readonly ServerHooks<CallContext>[];
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly interceptors: readonly Interceptor<CallContext, any, any>[];
  readonly json: Required<TwirpJsonOptions>;
  readonly types: readonly IMessageType<object>[];
}

/** Fills in defaults. Throws when an option is out of its domain. */
export function settingsOf(options: TwirpOptions): TwirpSettings {
  const { prefix = "/twirp", bodyLimit = 1_048_576, readTimeout = 30_000, deadline, gracePeriod = 10_000 } = options;
  const { limits = {} } = options;
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
  if (options.services.length === 0) throw new Error("twirp: services is empty");
  return {
    prefix,
    services: options.services,
    bodyLimit,
    limits,
    memory: options.memory,
    readTimeout,
    deadline,
    gracePeriod,
    draining: options.draining,
    unmatched: options.unmatched ?? "server",
    extendContext: options.extendContext,
    mapError: options.mapError ?? (() => undefined),
    hooks: options.hooks ?? [],
    interceptors: options.interceptors ?? [],
    json: { emitDefaults: options.json?.emitDefaults ?? true, camelCase: options.json?.camelCase ?? false },
    types: options.types ?? [],
  };
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
