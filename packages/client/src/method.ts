import type { MessageType } from "../../../generated/client/fields.ts";
import type { Page, Paged, paging } from "./paging.ts";

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
