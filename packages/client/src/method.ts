import type { MessageType } from "../../../generated/client/fields.ts";
import { failure } from "./errors.ts";

/** The request for a page. */
export interface Paged {
  pageToken: string;
}

/** A page and where the next one starts; empty on the last page. */
export interface Page {
  nextPageToken: string;
}

/** What a list's call takes, as far as it matters here. */
interface PageRequest {
  readonly pageToken?: string | undefined;
}

/** A list's call, and how its pages are read. */
export interface Listing<Options> {
  readonly name: string;
  load(request: PageRequest, options?: Options): Promise<Page>;
  itemsOf(page: Page): readonly unknown[];
}

/** What a list can do besides. Only methods that list refer to it, so a bundler leaves it out with them. */
export function paging<Options>({ name, load, itemsOf }: Listing<Options>) {
  async function* pages(request?: PageRequest, options?: Options): AsyncGenerator<Page, void, undefined> {
    for (let pageToken = request?.pageToken; ; ) {
      const page = await load({ ...request, pageToken }, options);
      yield page;
      if (page.nextPageToken === "") return;
      if (page.nextPageToken === pageToken) throw failure("invalid_reply", `${name} gives the same page for ever`);
      pageToken = page.nextPageToken;
    }
  }

  async function* each(request?: PageRequest, options?: Options): AsyncGenerator<unknown, void, undefined> {
    for await (const page of pages(request, options)) yield* itemsOf(page);
  }

  return { pages, each };
}

/** A message as a caller writes it: what is left out has its zero value. */
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
  /** Changes nothing, so that it may always be repeated. */
  readonly isRead: boolean;
  /** Of a request that takes keys: gives one to each part without, so that it may be repeated. A bundler leaves it out with the others. */
  readonly fillKeys?: (request: object) => boolean;
}

/** A method that says something without a request. */
export interface NeedsNoRequest {
  readonly needsNoRequest: true;
}

/** An RPC that answers page by page. */
export interface ListMethod<I extends Paged, O extends Page, Item> extends Method<I, O> {
  itemsOf(page: O): readonly Item[];
  /** How it goes on from page to page. */
  readonly paging: typeof paging;
}
