import type { MethodInfo } from "@protobuf-ts/runtime-rpc";
import type { FastifyBaseLogger } from "fastify";
import { type MessageCodec, MessageCodecs } from "./codec/codec.ts";
import { TypeRegistry } from "./codec/fields.ts";
import type { CallContext } from "./context.ts";
import type { ProtobufTsService, TwirpService, TwirpSettings, TwirpTsService } from "./options.ts";
import { namesOf, type PathTable } from "./paths.ts";
import { type Interceptor, type ServerHooks, TwirpError } from "./twirp-ts.ts";

type ContextHook = (context: CallContext) => void | Promise<void>;
type ErrorHook = (context: CallContext, error: TwirpError) => void | Promise<void>;

/** The hooks of a service by event, in the order of their registration. */
interface HookTable {
  readonly received: readonly ContextHook[];
  readonly routed: readonly ContextHook[];
  readonly prepared: readonly ContextHook[];
  readonly sent: readonly ContextHook[];
  readonly error: readonly ErrorHook[];
}

/** Calls one method through all interceptors. */
type Invoke = (context: CallContext, request: unknown) => unknown;

// biome-ignore lint/suspicious/noExplicitAny: twirp-ts types interceptors this way.
type AnyInterceptor = Interceptor<CallContext, any, any>;

/** The service that a call is for. */
export interface CallTarget {
  /** Empty without a package, and when the path names no service. */
  readonly packageName: string;
  readonly serviceName: string;
  readonly hooks: HookTable;
}

/** One path that reaches a method. */
export interface MethodRoute {
  readonly path: string;
  readonly table: PathTable;
  readonly target: CallTarget;
  readonly methodName: string;
  /** As `finance.v1.FinanceService/GetAccount`. */
  readonly rpcName: string;
  readonly requestCodec: MessageCodec;
  readonly responseCodec: MessageCodec;
  readonly invoke: Invoke;
}

/** Everything that one mount serves, compiled once. */
export interface Routing {
  readonly table: PathTable;
  readonly routes: readonly MethodRoute[];
  /** The target of a path that names this service but none of its methods. */
  readonly targetOf: (service: string) => CallTarget;
}

/**
 * Compiles the routes of all services. Throws when two services share a name, when a server is not one of twirp-ts 2.5,
 * or when server and type describe different services.
 */
export function compileRouting(settings: TwirpSettings): Routing {
  const { prefix, services } = settings;
  const codecs = new MessageCodecs(settings.json, typesOf(settings), settings.limits);
  const targets = new Map<string, CallTarget>();
  const table: PathTable = { prefix, services: targets };
  const routes = services.flatMap((service) => {
    const { typeName, methods } = service.type;
    const { hooks, interceptors, methodOf } = "server" in service ? partsOf(service) : implementationOf(service);
    const scope = typeName.slice(0, typeName.lastIndexOf(".") + 1);
    const serviceName = typeName.slice(scope.length);
    const target = { packageName: scope.slice(0, -1), serviceName, hooks: hookTable([...settings.hooks, ...hooks]) };
    const serviceNames = namesOf(serviceName).map((name) => `${scope}${name}`);
    for (const name of serviceNames) {
      if (targets.has(name)) throw new Error(`twirp: service ${name} is mounted twice`);
      targets.set(name, target);
    }
    return methods.flatMap((method) => {
      const route = {
        table,
        target,
        methodName: method.name,
        rpcName: `${typeName}/${method.name}`,
        requestCodec: codecs.of(method.I),
        responseCodec: codecs.of(method.O),
        invoke: intercept([...settings.interceptors, ...interceptors], methodOf(method)),
      };
      return serviceNames.flatMap((name) =>
        namesOf(method.name).map((methodName) => ({ ...route, path: `${prefix}/${name}/${methodName}` })),
      );
    });
  });
  const nobody: CallTarget = { packageName: "", serviceName: "", hooks: hookTable(settings.hooks) };
  return { table, routes, targetOf: (service) => targets.get(service) ?? nobody };
}

function typesOf({ services, types }: TwirpSettings): TypeRegistry {
  const methods = services.flatMap(({ type }) => type.methods);
  return new TypeRegistry([...methods.flatMap(({ I, O }) => [I, O]), ...types]);
}

interface ServerInternals {
  readonly service: object;
  readonly hooks: readonly ServerHooks<CallContext>[];
  readonly interceptors: readonly AnyInterceptor[];
}

interface ServiceParts extends Pick<ServerInternals, "hooks" | "interceptors"> {
  readonly methodOf: (info: MethodInfo) => Invoke;
}

function partsOf({ server, type }: TwirpTsService): ServiceParts {
  const { packageName, serviceName, methodList } = server;
  const typeName = packageName === "" ? serviceName : `${packageName}.${serviceName}`;
  const { service, hooks, interceptors } = internalsOf(server, typeName);
  assertSameService(typeName, methodList, type);
  const methodOf: ServiceParts["methodOf"] = (info) => (context, request) =>
    functionOf(service, info.name, typeName).call(service, context, request);
  return { hooks, interceptors, methodOf };
}

/** protobuf-ts writes the names of methods in camel case and passes the request first. */
function implementationOf({ implementation, type }: ProtobufTsService): ServiceParts {
  const methodOf: ServiceParts["methodOf"] = (info) => (context, request) =>
    functionOf(implementation, info.localName, type.typeName).call(implementation, request, context);
  return { hooks: [], interceptors: [], methodOf };
}

function internalsOf(server: object, typeName: string): ServerInternals {
  // These members exist at run time but are private in twirp-ts's types.
  const { service, hooks, interceptors } = server as Partial<ServerInternals>;
  if (typeof service !== "object" || service === null || !Array.isArray(hooks) || !Array.isArray(interceptors)) {
    throw new Error(
      `twirp: the server of ${typeName} is not one that twirp-ts 2.5 generates (service, hooks, interceptors)`,
    );
  }
  return { service, hooks, interceptors };
}

function assertSameService(typeName: string, methodList: readonly PropertyKey[], type: TwirpService["type"]): void {
  if (type.typeName !== typeName) {
    throw new Error(`twirp: server is ${typeName} but type is ${type.typeName}`);
  }
  const inServer = methodList.map(String).sort();
  const inType = type.methods.map((method) => method.name).sort();
  if (inServer.join() !== inType.join()) {
    throw new Error(`twirp: methods of ${typeName} differ: server has ${inServer.join()}, type has ${inType.join()}`);
  }
}

function functionOf(service: object, name: string, typeName: string) {
  const method: unknown = Reflect.get(service, name);
  if (typeof method === "function") return method;
  throw new TwirpError("unimplemented", `method ${name} of ${typeName} is not implemented`);
}

// The first interceptor is the outermost. Each call of `next` may carry another context or request inwards.
function intercept(interceptors: readonly AnyInterceptor[], method: Invoke): Invoke {
  return interceptors.reduceRight<Invoke>(
    (inner, interceptor) => (context, request) =>
      interceptor(context, request, async (innerContext, innerRequest) => inner(innerContext, innerRequest)),
    method,
  );
}

/** Sorts hooks by event. twirp-ts's older names run after the newer ones. */
function hookTable(hooks: readonly ServerHooks<CallContext>[]): HookTable {
  const of = (...names: readonly Exclude<keyof ServerHooks<CallContext>, "error">[]): ContextHook[] =>
    hooks.flatMap((hook) => names.flatMap((name) => hook[name]?.bind(hook) ?? []));
  return {
    received: of("requestReceived"),
    routed: of("requestRouted"),
    prepared: of("responsePrepared", "requestPrepared"),
    sent: of("responseSent", "requestSent"),
    error: hooks.flatMap((hook) => hook.error?.bind(hook) ?? []),
  };
}

/** Runs hooks one after the other; the first that throws fails the call. Synchronous unless a hook returns a promise. */
export function runHooks(hooks: readonly ContextHook[], context: CallContext, from = 0): Promise<void> | undefined {
  for (let index = from; index < hooks.length; index += 1) {
    const pending = hooks[index]?.(context);
    if (pending !== undefined) return Promise.resolve(pending).then(() => runHooks(hooks, context, index + 1));
  }
  return undefined;
}

/** Runs hooks that can't change the outcome any more: all run, and errors are logged. */
export async function runIsolated(
  hooks: readonly (() => void | Promise<void>)[],
  event: string,
  log: FastifyBaseLogger,
): Promise<void> {
  for (const hook of hooks) {
    try {
      await hook();
    } catch (err) {
      log.error({ err, hook: event }, "a Twirp hook threw");
    }
  }
}
