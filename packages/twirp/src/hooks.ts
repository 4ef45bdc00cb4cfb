import type { FastifyBaseLogger } from "fastify";
import type { ServerHooks, TwirpContext, TwirpError } from "./twirp-ts.ts";

type ContextHook<Context> = (context: Context) => void | Promise<void>;
type ErrorHook<Context> = (context: Context, error: TwirpError) => void | Promise<void>;

/** The hooks of a service, by event, in the order of their registration. */
export interface HookTable<Context> {
  readonly received: readonly ContextHook<Context>[];
  readonly routed: readonly ContextHook<Context>[];
  readonly prepared: readonly ContextHook<Context>[];
  readonly sent: readonly ContextHook<Context>[];
  readonly error: readonly ErrorHook<Context>[];
}

/** Sorts hooks by event. twirp-ts's older names run after the newer ones. */
export function hookTable<Context extends TwirpContext>(hooks: readonly ServerHooks<Context>[]): HookTable<Context> {
  return {
    received: hooks.flatMap((hook) => bound(hook, hook.requestReceived)),
    routed: hooks.flatMap((hook) => bound(hook, hook.requestRouted)),
    prepared: hooks.flatMap((hook) => [...bound(hook, hook.responsePrepared), ...bound(hook, hook.requestPrepared)]),
    sent: hooks.flatMap((hook) => [...bound(hook, hook.responseSent), ...bound(hook, hook.requestSent)]),
    error: hooks.flatMap((hook) => {
      const { error } = hook;
      return error ? [(context: Context, failure: TwirpError) => error.call(hook, context, failure)] : [];
    }),
  };
}

/** Runs hooks one after the other; the first that throws fails the call. Synchronous unless a hook returns a promise. */
export function runHooks<Context>(
  hooks: readonly ContextHook<Context>[],
  context: Context,
  from = 0,
): Promise<void> | undefined {
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

function bound<Context extends TwirpContext>(
  owner: ServerHooks<Context>,
  hook: ContextHook<Context> | undefined,
): ContextHook<Context>[] {
  return hook ? [(context) => hook.call(owner, context)] : [];
}
