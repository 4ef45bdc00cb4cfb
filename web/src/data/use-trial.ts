import { type CallOptions, type FinanceClient, FinanceError } from "@finance-service/client";
import { type QueryKey, skipToken, useQuery } from "@tanstack/react-query";
import { useSettled } from "./use-settled.ts";

/** The answer to a dry run: a reply or a refusal; both are undefined while neither is known. */
export interface Trial<Reply> {
  readonly reply: Reply | undefined;
  readonly refusal: FinanceError | undefined;
  /** Whether an answer is still to come. */
  readonly isAwaited: boolean;
}

/**
 * A dry run of a request, once it has stayed the same for a moment.
 *
 * @param key The start of the query's key; see live/touched.ts.
 * @param request Undefined: there is nothing to ask.
 */
export function useTrial<Request extends object, Reply>(
  key: QueryKey,
  request: Request | undefined,
  send: (request: Request & { readonly dryRun: true }, options: CallOptions) => Promise<Reply>,
): Trial<Reply> {
  const text =
    request === undefined
      ? ""
      : JSON.stringify(request, (_, value) => (typeof value === "bigint" ? `${value}` : value));
  const settled = useSettled(text);
  const asked = settled === text ? request : undefined;
  const { data, error } = useQuery({
    queryKey: [...key, settled],
    queryFn:
      asked === undefined ? skipToken : ({ signal }) => send({ ...asked, dryRun: true }, { signal, maxRetries: 0 }),
  });
  if (asked === undefined) return { reply: undefined, refusal: undefined, isAwaited: request !== undefined };
  const refusal = error instanceof FinanceError && error.status !== 0 ? error : undefined;
  const reply = refusal === undefined ? data : undefined;
  return { reply, refusal, isAwaited: reply === undefined && refusal === undefined };
}

/** Whether the service of a client has ListEvents, and so dry runs of every change. */
const checked = new WeakMap<FinanceClient, Promise<unknown>>();

/**
 * A method that changes what exists, for {@link useTrial}. Versions before 0.3.0 do not know its `dry_run` and would make the
 * change. They have no ListEvents either, so the first dry run asks for events, and none is sent if that fails.
 */
export function dryRunOf<Request, Reply>(
  finance: FinanceClient,
  send: (request: Request, options: CallOptions) => Promise<Reply>,
): (request: Request, options: CallOptions) => Promise<Reply> {
  return async (request, options) => {
    let check = checked.get(finance);
    if (check === undefined) {
      check = finance.listEvents({ fromEnd: true, pageSize: 1 });
      checked.set(finance, check);
      check.catch(() => checked.delete(finance));
    }
    await check;
    return await send(request, options);
  };
}
