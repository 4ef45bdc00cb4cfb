import type { MessageType } from "./message.ts";

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
