import { failure } from "./failure.ts";

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
