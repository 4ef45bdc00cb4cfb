import { connect, type Socket } from "node:net";

/** A raw request; a header with several values is sent as several lines. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

/** A raw reply. Header names are in lower case, each with all its lines. */
export interface WireResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
}

/** A connection for raw requests, whose replies are read one at a time. */
export class WireConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(port: number, host = "127.0.0.1") {
    this.#socket = connect({ host, port });
    this.#socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on("end", end);
    this.#socket.on("error", end);
    this.#socket.on("close", end);
  }

  /** Writes a request. The case's own framing headers are kept, right or wrong. */
  write(request: WireRequest): Promise<void> {
    const names = new Set(Object.keys(request.headers).map((name) => name.toLowerCase()));
    const lines = [`${request.method} ${request.target} HTTP/1.1`, "Host: 127.0.0.1"];
    for (const [name, value] of Object.entries(request.headers)) {
      for (const line of typeof value === "string" ? [value] : value) lines.push(`${name}: ${line}`);
    }
    const chunked = names.has("transfer-encoding");
    const hasBody = request.body.length > 0 || !["GET", "HEAD"].includes(request.method);
    if (!chunked && !names.has("content-length") && hasBody) lines.push(`Content-Length: ${request.body.length}`);
    const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    const message = Buffer.concat([head, chunked ? chunkedBody(request.body) : request.body]);
    return this.send(message);
  }

  /** Writes raw bytes. */
  send(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** Reads the next final reply; undefined if the server closes first. Rejects after `timeout` milliseconds. */
  async read(method: string, timeout: number): Promise<WireResponse | undefined> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const response = await this.readAny(method, deadline - Date.now());
      if (response === undefined || response.status >= 200) return response;
    }
  }

  /** Reads the next reply, which may be an interim one such as 100. */
  async readAny(method: string, timeout: number): Promise<WireResponse | undefined> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const response = this.#parse(method);
      if (response !== undefined || this.#ended) return response;
      await this.#more(deadline - Date.now());
    }
  }

  /** Resets the connection, as a client that goes away does. */
  destroy(): void {
    this.#socket.destroy();
  }

  #more(timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no reply in time")), Math.max(timeout, 1));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #parse(method: string): WireResponse | undefined {
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd === -1) return undefined;
    const [statusLine = "", ...lines] = this.#received.subarray(0, headEnd).toString("latin1").split("\r\n");
    const headers = new Map<string, string[]>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
    }
    const status = Number(statusLine.split(" ")[1]);
    const start = headEnd + 4;
    const bodyless = method === "HEAD" || status < 200 || status === 204 || status === 304;
    const framed = bodyless ? { body: Buffer.alloc(0), end: start } : this.#body(headers, start);
    if (framed === undefined) return undefined;
    this.#received = this.#received.subarray(framed.end);
    return { status, headers, body: framed.body };
  }

  #body(headers: ReadonlyMap<string, readonly string[]>, start: number): { body: Buffer; end: number } | undefined {
    const length = headers.get("content-length")?.[0];
    if (length !== undefined) {
      const end = start + Number(length);
      return this.#received.length >= end ? { body: this.#received.subarray(start, end), end } : undefined;
    }
    if (headers.get("transfer-encoding")?.[0] === "chunked") return this.#chunks(start);
    return this.#ended ? { body: this.#received.subarray(start), end: this.#received.length } : undefined;
  }

  #chunks(start: number): { body: Buffer; end: number } | undefined {
    const chunks: Buffer[] = [];
    for (let at = start; ; ) {
      const lineEnd = this.#received.indexOf("\r\n", at);
      if (lineEnd === -1) return undefined;
      const size = Number.parseInt(this.#received.toString("latin1", at, lineEnd), 16);
      const end = lineEnd + 2 + size;
      if (this.#received.length < end + 2) return undefined;
      if (size === 0) return { body: Buffer.concat(chunks), end: end + 2 };
      chunks.push(this.#received.subarray(lineEnd + 2, end));
      at = end + 2;
    }
  }
}

function chunkedBody(body: Buffer): Buffer {
  const chunks = body.length === 0 ? [] : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")];
  return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
}
