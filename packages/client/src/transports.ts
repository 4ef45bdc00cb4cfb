/** One HTTP POST, ready to be sent. */
export interface TransportRequest {
  readonly url: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** An answer, whatever its status. */
export interface TransportReply {
  /** HTTP status; 0 for a redirect of which a browser tells no more. */
  readonly status: number;
  /** The header by its lower-case name; null or undefined when it is absent or may not be read. */
  header(name: string): string | null | undefined;
  readonly body: Uint8Array;
}

/**
 * What carries the calls. It must follow no redirect. When there is no answer it rejects with the error of fetch, axios or Node,
 * or with one whose `code` is "ERR_NETWORK"; such calls are repeated. Any other error is the application's own: the call fails
 * with `transport_failed`. A FinanceError is passed on as it is.
 */
export interface Transport {
  send(request: TransportRequest): Promise<TransportReply>;
}
