import type { MethodInfo } from "@protobuf-ts/runtime-rpc";
import { type MessageCodec, MessageCodecs } from "./codec/codec.ts";
import { TypeRegistry } from "./codec/fields.ts";
import type { CallContext } from "./context.ts";
import { type HookTable, hookTable } from "./hooks.ts";
import type { ProtobufTsService, TwirpService, TwirpSettings, TwirpTsService } from "./options.ts";
import { namesOf, type PathTable } from "./paths.ts";
import { type Interceptor, type ServerHooks, TwirpError, TwirpErrorCode } from "./twirp-ts.ts";

/** Calls one method through all interceptors. */
export type Invoke = (context: CallContext, request: unknown) => unknown;

/** One method of a mounted service. */
interface MountedMethod {
  readonly name: string;
  readonly info: MethodInfo;
  readonly invoke: Invoke;
}

/** A service as the adapter dispatches it. */
export interface MountedService {
  readonly packageName: string;
  readonly serviceName: string;
  /** With the package, as `finance.v1.FinanceService`. */
  readonly typeName: string;
  readonly hooks: readonly ServerHooks<CallContext>[];
  readonly methods: readonly MountedMethod[];
}

// biome-ignore lint/suspicious/noExplicitAny: twirp-ts types an interceptor for messages of every type so.
type AnyInterceptor = Interceptor<CallContext, any, any>;

interface ServerInternals {
  readonly service: object;
  readonly hooks: readonly ServerHooks<CallContext>[];
  readonly interceptors: readonly AnyInterceptor[];
}

function mountService(service: TwirpService, settings: TwirpSettings): MountedService {
  const { typeName, methods } = service.type;
  const { hooks, interceptors, methodOf } = "server" in service ? partsOf(service) : implementationOf(service);
  const chain = [...settings.interceptors, ...interceptors];
  const dot = typeName.lastIndexOf(".");
  return {
    packageName: typeName.slice(0, Math.max(dot, 0)),
    serviceName: typeName.slice(dot + 1),
    typeName,
    hooks: [...settings.hooks, ...hooks],
    methods: methods.map((info) => ({ name: info.name, info, invoke: intercept(chain, methodOf(info)) })),
  };
}

interface ServiceParts extends Pick<ServerInternals, "hooks" | "interceptors"> {
  readonly methodOf: (info: MethodInfo) => Invoke;
}

/**
 * Takes a generated server apart. Throws when it does not look like a twirp-ts 2.5 server, or when server and type
 * describe different services.
 */
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
  // These members exist at run time but are private in twirp-ts's types; what they hold is checked right below.
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
  throw new TwirpError(TwirpErrorCode.Unimplemented, `method ${name} of ${typeName} is not implemented`);
}

// The first interceptor is the outermost. Each call of `next` may carry another context or request inwards.
function intercept(interceptors: readonly AnyInterceptor[], method: Invoke): Invoke {
  return interceptors.reduceRight<Invoke>(
    (inner, interceptor) => (context, request) =>
      interceptor(context, request, async (innerContext, innerRequest) => inner(innerContext, innerRequest)),
    method,
  );
}

/** Whom a call is for, as far as its path tells. */
export interface CallTarget {
  readonly packageName: string;
  readonly serviceName: string;
  readonly hooks: HookTable<CallContext>;
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

/** All that one mount serves, compiled once. */
export interface Routing {
  readonly table: PathTable;
  readonly routes: readonly MethodRoute[];
  /** Whom a path is for that names this service but no method of it. */
  readonly targetOf: (service: string) => CallTarget;
}

/** Compiles the routes of all services. Throws when two of them share a name. */
export function compileRouting(settings: TwirpSettings): Routing {
  const codecs = new MessageCodecs(settings.json, typesOf(settings), settings.limits);
  const services = settings.services.map((service) => mountService(service, settings));
  const targets = new Map<string, CallTarget>();
  const named = services.map((service) => {
    const target = { ...service, hooks: hookTable(service.hooks) };
    const names = typeNamesOf(service);
    for (const name of names) {
      if (targets.has(name)) throw new Error(`twirp: service ${name} is mounted twice`);
      targets.set(name, target);
    }
    return { service, target, names };
  });
  const table: PathTable = { prefix: settings.prefix, services: new Set(targets.keys()) };
  const nobody: CallTarget = { packageName: "", serviceName: "", hooks: hookTable(settings.hooks) };
  return {
    table,
    routes: named.flatMap(({ service, target, names }) =>
      service.methods.flatMap((method) => {
        const compiled = {
          table,
          target,
          methodName: method.name,
          rpcName: `${service.typeName}/${method.name}`,
          requestCodec: codecs.of(method.info.I),
          responseCodec: codecs.of(method.info.O),
          invoke: method.invoke,
        };
        return names.flatMap((name) =>
          namesOf(method.name).map((methodName) => ({ ...compiled, path: `${settings.prefix}/${name}/${methodName}` })),
        );
      }),
    ),
    targetOf: (service) => targets.get(service) ?? nobody,
  };
}

function typesOf({ services, types }: TwirpSettings): TypeRegistry {
  const methods = services.flatMap(({ type }) => type.methods);
  return new TypeRegistry([...methods.flatMap(({ I, O }) => [I, O]), ...types]);
}

function typeNamesOf({ packageName, serviceName }: MountedService): readonly string[] {
  return namesOf(serviceName).map((name) => (packageName === "" ? name : `${packageName}.${name}`));
}
