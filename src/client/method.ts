import type { BinaryReader } from "@bufbuild/protobuf/wire";

/** A generated message, as ts-proto writes it. */
export interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array<ArrayBuffer> };
  decode(reader: BinaryReader, length: number): T;
  fromJSON(json: unknown): T;
  toJSON(message: T): unknown;
  fromPartial(input: never): T;
}

/** A message as a caller writes it: what is left out has its zero value. */
export type Input<T> = T extends Date
  ? T
  : T extends readonly (infer Item)[]
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
