import { createClient, type Input, type Method } from "@finance-service/client";
import type { Connection } from "../session/session.ts";
import type { SentCall } from "./call-code.ts";

/** A read that shows what a page shows. */
export interface Read {
  readonly method: Method<object, object>;
  readonly request: object;
}

export function readOf<I extends object, O extends object>(method: Method<I, O>, request: Input<I>): Read {
  return { method, request };
}

export interface RecordedCall extends SentCall {
  /** The reply's JSON as the service wrote it, so each int64 is a string of its exact digits; indented. */
  readonly reply: string;
}

/**
 * Makes the call, and keeps its texts, which the client usually decodes.
 *
 * @throws FinanceError as the client does.
 */
export async function recordCall(
  { baseUrl, prefix, token }: Connection,
  { method, request }: Read,
  signal: AbortSignal,
): Promise<RecordedCall> {
  const recorded = { method, baseUrl, prefix, url: "", body: "", reply: "" };
  const client = createClient(
    { method },
    {
      baseUrl,
      prefix,
      token,
      transport: async (url, init) => {
        const response = await fetch(url, init);
        const reply = await response.clone().text();
        Object.assign(recorded, { url, body: `${init.body}`, reply });
        return response;
      },
    },
  );
  await client.method(request, { signal });
  return { ...recorded, reply: JSON.stringify(JSON.parse(recorded.reply), undefined, 2) };
}
