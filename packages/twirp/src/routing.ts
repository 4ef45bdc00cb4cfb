import { type MessageCodec, MessageCodecs } from "./codec/codec.ts";
import { TypeRegistry } from "./codec/type-registry.ts";
import type { CallContext } from "./context.ts";
import { type HookTable, hookTable } from "./hooks.ts";
import type { TwirpSettings } from "./options.ts";
import { namesOf, type PathTable } from "./paths.ts";
import { type Invoke, type MountedService, mountService } from "./service-mount.ts";

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
