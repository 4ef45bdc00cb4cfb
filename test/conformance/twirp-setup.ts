import { Readable } from "node:stream";
import Fastify, { type FastifyInstance } from "fastify";
import type { ServerHooks } from "twirp-ts";
import {
  type CallContext,
  type TwirpOptions,
  twirp,
  twirpClientErrors,
  twirpFrameworkErrors,
} from "../../packages/twirp/src/index.ts";
import type { SchemaService } from "./twirp-schema.ts";
import { mountHandlers, type ServiceEvents, twirpError } from "./twirp-service.ts";
import type { CaseRequires } from "./twirp-table.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The settings of a server before it is built, which a case's `requires` changes. */
interface Plan {
  readonly options: Mutable<TwirpOptions> & { hooks: ServerHooks<CallContext>[] };
  readonly interceptors: NonNullable<TwirpOptions["interceptors"]>[number][];
  readonly prepare: ((app: FastifyInstance) => void)[];
  without: string | undefined;
}

type Rule = readonly [pattern: RegExp, apply: (plan: Plan, match: RegExpExecArray, method: string) => void];

/** Thrown when a case needs what this runner cannot set up. */
export class UnknownRequirement extends Error {}

/** Milliseconds for a body in cases that wait for this timeout. */
const SHORT_READ_TIMEOUT = 200;

const THROWS = "throws?(?: an?)?";

const HOOK_RULES: readonly Rule[] = [
  [
    /^Fastify (onRequest|preParsing|preValidation|preHandler)(?: hook)? throws (?:an )?Error$/,
    (plan, [, name]) => plan.prepare.push((app) => failingHook(app, name)),
  ],
  [/^hook objects with some members undefined$/, (plan) => plan.options.hooks.push(sparseHooks())],
  [
    new RegExp(`^(requestReceived|requestRouted|responsePrepared|responseSent|error)(?: hook)? ${THROWS}(?: (\\w+))?$`),
    (plan, [, name, what]) => plan.options.hooks.push(throwingHooks(name, what)),
  ],
];

const INTERCEPTOR_RULES: readonly Rule[] = [
  [
    /^adds (\d+) to (\w+), then appends (\w+) to (\w+)$/,
    (plan, [, number, field, text, other]) =>
      plan.interceptors.push(changingInterceptor(field, Number(number), other, text)),
  ],
  [/^returns a value of another type$/, (plan) => plan.interceptors.push(async () => ({ unexpected: true }))],
  [/^the same again$/, (plan) => plan.interceptors.push(...plan.interceptors.slice(-1))],
  [
    new RegExp(`^(?:${THROWS}|rejects with)(?: (\\w+))?$`),
    (plan, [, what]) => plan.interceptors.push(async () => throwNamed(what)),
  ],
];

const OPTION_RULES: readonly Rule[] = [
  [/^json_camel_case$/, (plan) => jsonOption(plan, { camelCase: true })],
  [
    /^json_(?:skip_defaults|omit_defaults)$|^(?:json_)?emit_defaults=false$/,
    (plan) => jsonOption(plan, { emitDefaults: false }),
  ],
  [
    /^body_limit=(\d+)(MiB|KiB)?$/,
    (plan, [, size, unit]) => {
      plan.options.bodyLimit = Number(size) * (unit === "MiB" ? 2 ** 20 : unit === "KiB" ? 2 ** 10 : 1);
    },
  ],
];

const SERVER_RULES: readonly Rule[] = [
  [
    /^request read deadline passes$/,
    (plan) => {
      plan.options.readTimeout = SHORT_READ_TIMEOUT;
    },
  ],
  [
    /^body stream errors$/,
    (plan) => plan.prepare.push((app) => app.addHook("preParsing", async () => failingStream())),
  ],
];

const HANDLER_RULES: readonly Rule[] = [
  [
    /^service object without the method$/,
    (plan, _match, method) => {
      plan.without = method;
    },
  ],
];

const ROUTE_RULES: readonly Rule[] = [
  [
    /^(GET|POST|PUT|DELETE) (\/\S+)$/,
    (plan, [, method = "GET", url = "/"]) =>
      plan.prepare.push((app) => app.route({ method, url, handler: async () => ({ status: "ok" }) })),
  ],
];

/** Builds the server for a case; it does not listen yet. */
export async function buildServer(
  requires: CaseRequires,
  services: readonly SchemaService[],
  recorder: ServerHooks<CallContext>,
  events: ServiceEvents,
  method: string,
): Promise<FastifyInstance> {
  const plan: Plan = {
    options: { services: [], prefix: requires.prefix ?? "/twirp", hooks: [recorder] },
    interceptors: [],
    prepare: [],
    without: undefined,
  };
  const apply = (rules: readonly Rule[], text: string | undefined) => {
    if (text !== undefined) applyRule(rules, text, plan, method);
  };
  apply(HOOK_RULES, requires.hook);
  for (const text of requires.interceptors ?? []) apply(INTERCEPTOR_RULES, text);
  apply(OPTION_RULES, requires.option);
  apply(SERVER_RULES, requires.server);
  apply(HANDLER_RULES, requires.handler);
  apply(ROUTE_RULES, requires.route);
  if (requires.client?.includes("connection kept open") === true) plan.options.readTimeout = SHORT_READ_TIMEOUT;

  const app = Fastify({ frameworkErrors: twirpFrameworkErrors(), clientErrorHandler: twirpClientErrors });
  for (const prepare of plan.prepare) prepare(app);
  const mounted = services.filter(({ type }) => requires.services?.includes(type.typeName) ?? true);
  await app.register(twirp, {
    ...plan.options,
    interceptors: plan.interceptors,
    services: mounted.map((service) => mountHandlers(service, events, plan.without)),
  });
  return app;
}

function applyRule(rules: readonly Rule[], text: string, plan: Plan, method: string): void {
  for (const [pattern, apply] of rules) {
    const match = pattern.exec(text);
    if (match !== null) {
      apply(plan, match, method);
      return;
    }
  }
  throw new UnknownRequirement(`cannot set up ${JSON.stringify(text)}`);
}

function failingHook(app: FastifyInstance, name: string | undefined): void {
  const hook = async () => {
    throw new Error("the middleware failed");
  };
  if (name === "onRequest") app.addHook("onRequest", hook);
  else if (name === "preParsing") app.addHook("preParsing", hook);
  else if (name === "preValidation") app.addHook("preValidation", hook);
  else app.addHook("preHandler", hook);
}

function sparseHooks(): ServerHooks<CallContext> {
  // A caller without exactOptionalPropertyTypes may write this.
  return {
    requestReceived: undefined,
    responseSent: undefined,
    error: undefined,
    requestRouted: () => undefined,
  } as object;
}

function throwingHooks(name = "error", what: string | undefined): ServerHooks<CallContext> {
  return { [name]: () => throwNamed(what) };
}

function throwNamed(what: string | undefined): never {
  if (what === undefined || what === "Error") throw new Error("on purpose");
  throw twirpError(what, "on purpose");
}

function changingInterceptor(field = "", number: number, other = "", text = ""): Plan["interceptors"][number] {
  const local = (name: string) => name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  return async (context, request, next) => {
    if (`${context.packageName}.${context.serviceName}/${context.methodName}` !== "lab.v1.Conformance/Echo") {
      throw new Error("the interceptor does not know what it intercepts");
    }
    request[local(field)] += number;
    const response = await next(context, request);
    response[local(other)] += text;
    return response;
  };
}

function jsonOption(plan: Plan, json: NonNullable<TwirpOptions["json"]>): void {
  plan.options.json = { ...plan.options.json, ...json };
}

function failingStream(): Readable {
  return new Readable({
    read() {
      this.destroy(new Error("the stream broke"));
    },
  });
}
