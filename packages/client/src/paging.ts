import { type CallOptions, type Connection, call } from "./call.ts";
import { failure } from "./errors.ts";
import type { Input, Method } from "./method.ts";

/** The request for a page. */
export interface Paged {
  pageToken: string;
}

/** A page and where the next one starts; empty on the last page. */
export interface Page {
  nextPageToken: string;
}

/** An RPC that returns pages. */
export interface ListMethod<I extends Paged, O extends Page, Item> extends Method<I, O> {
  itemsOf(page: O): readonly Item[];
  /** Makes the call and its iterators. */
  readonly bind: typeof bindList;
}

/** The call of a list with its iterators. Only list methods refer to it, so a bundler can leave it out. */
export function bindList(connection: Connection, method: ListMethod<Paged, Page, unknown>) {
  const load = (request?: Input<Paged>, options?: CallOptions) => call(connection, method, request, options);

  async function* pages(request?: Input<Paged>, options?: CallOptions): AsyncGenerator<Page, void, undefined> {
    for (let pageToken = request?.pageToken; ; ) {
      const page = await load({ ...request, pageToken }, options);
      yield page;
      if (page.nextPageToken === "") return;
      if (page.nextPageToken === pageToken)
        throw failure("invalid_reply", `${method.name} returns the same page again and again`);
      pageToken = page.nextPageToken;
    }
  }

  async function* each(request?: Input<Paged>, options?: CallOptions): AsyncGenerator<unknown, void, undefined> {
    for await (const page of pages(request, options)) yield* method.itemsOf(page);
  }

  return Object.assign(load, { pages, each });
}
