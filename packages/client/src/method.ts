import { failure } from "./errors.ts";
import type { MessageType } from "./message.ts";

/** The request for a page. */
export interface Paged {
  pageToken: string;
}

/** A page and where the next one starts; empty on the last page. */
export interface Page {
  nextPageToken: string;
}

/** A list's call, and how to read its pages. */
export interface Listing<Options> {
  readonly name: string;
  load(request: Input<Paged>, options?: Options): Promise<Page>;
  itemsOf(page: Page): readonly unknown[];
}

/** The iterators of a list. Only list methods refer to it, so a bundler can leave it out. */
export function paging<Options>({ name, load, itemsOf }: Listing<Options>) {
  async function* pages(request?: Input<Paged>, options?: Options): AsyncGenerator<Page, void, undefined> {
    for (let pageToken = request?.pageToken; ; ) {
      const page = await load({ ...request, pageToken }, options);
      yield page;
      if (page.nextPageToken === "") return;
      if (page.nextPageToken === pageToken)
        throw failure("invalid_reply", `${name} returns the same page again and again`);
      pageToken = page.nextPageToken;
    }
  }

  async function* each(request?: Input<Paged>, options?: Options): AsyncGenerator<unknown, void, undefined> {
    for await (const page of pages(request, options)) yield* itemsOf(page);
  }

  return { pages, each };
}

/** A message as a caller writes it: fields that are left out have their zero values. */
export type Input<T> = T extends readonly (infer Item)[]
  ? readonly Input<Item>[]
  : T extends object
    ? string extends keyof T
      ? Readonly<T>
      : { readonly [Field in keyof T]?: Input<T[Field]> | undefined }
    : T;

/** One RPC of the service. */
export interface Method<I extends object, O extends object> {
  readonly name: string;
  readonly request: MessageType<I>;
  readonly response: MessageType<O>;
  /** Changes nothing, so it may always be repeated. */
  readonly isRead: boolean;
  /** Set if the request takes idempotency keys: fills in missing ones, so that the call may be repeated. A bundler can leave it out. */
  readonly fillKeys?: (request: object) => boolean;
}

/** A method whose request may be left out. */
export interface NeedsNoRequest {
  readonly needsNoRequest: true;
}

/** An RPC that returns pages. */
export interface ListMethod<I extends Paged, O extends Page, Item> extends Method<I, O> {
  itemsOf(page: O): readonly Item[];
  /** The iterators over pages and items. */
  readonly paging: typeof paging;
}
