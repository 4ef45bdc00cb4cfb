import type { MessageType } from "../../generated/client/messages.ts";

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
}

/** An RPC that answers page by page. */
export interface ListMethod<I extends Paged, O extends Page, Item> extends Method<I, O> {
  itemsOf(page: O): readonly Item[];
}

/** The request for a page. */
export interface Paged {
  pageToken: string;
}

/** A page and where the next one starts; empty on the last page. */
export interface Page {
  nextPageToken: string;
}
