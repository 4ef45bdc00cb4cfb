/** What a client may send instead of an HTTP request, and how it is refused. */
export interface BrokenRequest {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  /** Part of the message. */
  readonly msg: string;
  readonly bytes: Buffer;
  /** Whether the connection can be used again. Default: it is closed. */
  readonly goesOn?: true;
  /** No Origin can be read of it. */
  readonly hasNoOrigin?: true;
}

/** Whose page asks in all of these. */
export const ORIGIN = "http://localhost:5173";

/** Which id they ask for. */
export const REQUEST_ID = "asked-for-1";

const HEADERS = `Origin: ${ORIGIN}\r\nX-Request-Id: ${REQUEST_ID}\r\nContent-Type: application/json\r\n`;
const HOST = "Host: a\r\n";
const LENGTH = "Content-Length: 2\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const CHUNKS = "2\r\n{}\r\n0\r\n\r\n";

type Row = readonly [
  name: string,
  bytes: string,
  status: number,
  code: string,
  msg: string,
  more?: Partial<Pick<BrokenRequest, "goesOn" | "hasNoOrigin">>,
];

/** All of them, for the path of a method, with further headers that it needs. */
export function brokenRequests(path: string, further = ""): readonly BrokenRequest[] {
  const own = `${HEADERS}${further}`;
  const post = (headers: string, body = "{}", line = `POST ${path} HTTP/1.1`) =>
    `${line}\r\n${own}${headers}\r\n${body}`;
  const noHttp = "it is not valid HTTP";
  const rows: readonly Row[] = [
    ["no Host", post(LENGTH), 400, "malformed", "it has no Host header", { goesOn: true }],
    ["no Host and 100-continue", post(`${LENGTH}Expect: 100-continue\r\n`), 400, "malformed", "it has no Host header"],
    [
      "two Hosts",
      post(`${HOST}Host: b\r\n${LENGTH}`),
      400,
      "malformed",
      "it has more than one Host header",
      { goesOn: true },
    ],
    [
      "two equal Hosts",
      post(`${HOST}hOST: a\r\n${LENGTH}`),
      400,
      "malformed",
      "it has more than one Host header",
      { goesOn: true },
    ],
    [
      "two Hosts in HTTP/1.0",
      post(`${HOST}Host: b\r\n${LENGTH}`, "{}", `POST ${path} HTTP/1.0`),
      400,
      "malformed",
      "it has more than one Host header",
    ],
    [
      "a Host with a space",
      post(`Host: a b\r\n${LENGTH}`),
      400,
      "malformed",
      'its Host "a b" is not a host',
      { goesOn: true },
    ],
    [
      "a Host with a slash",
      post(`Host: a/b\r\n${LENGTH}`),
      400,
      "malformed",
      'its Host "a/b" is not a host',
      { goesOn: true },
    ],
    [
      "a Host with a user",
      post(`Host: a@b\r\n${LENGTH}`),
      400,
      "malformed",
      'its Host "a@b" is not a host',
      { goesOn: true },
    ],
    ["a Host beyond ASCII", post(`Host: \xe9\r\n${LENGTH}`), 400, "malformed", "is not a host", { goesOn: true }],
    [
      "a preflight without a Host",
      `OPTIONS ${path} HTTP/1.1\r\n${own}Access-Control-Request-Method: POST\r\n\r\n`,
      400,
      "malformed",
      "it has no Host header",
      { goesOn: true },
    ],
    ...["DESCRIBE", "SETUP", "GET_PARAMETER"].map(
      (method): Row => [
        `${method} of RTSP`,
        post(`${HOST}${LENGTH}`, "{}", `${method} ${path} RTSP/1.0`),
        404,
        "bad_route",
        `unsupported method "${method}" (only POST is allowed)`,
      ],
    ),
    [
      "CONNECT to a host",
      `CONNECT example.com:443 HTTP/1.1\r\n${HOST}${own}\r\n`,
      404,
      "bad_route",
      'unsupported method "CONNECT" (only POST is allowed)',
    ],
    [
      "CONNECT to a path",
      `CONNECT ${path} HTTP/1.1\r\n${HOST}${own}\r\n`,
      404,
      "bad_route",
      'unsupported method "CONNECT" (only POST is allowed)',
    ],
    [
      "Transfer-Encoding gzip, chunked",
      post(`${HOST}Transfer-Encoding: gzip, chunked\r\n`, CHUNKS),
      501,
      "unimplemented",
      'Transfer-Encoding "gzip, chunked" is not supported',
    ],
    [
      "Transfer-Encoding gzip",
      post(`${HOST}Transfer-Encoding: gzip\r\n`),
      501,
      "unimplemented",
      'Transfer-Encoding "gzip" is not supported',
    ],
    [
      "Transfer-Encoding identity",
      post(`${HOST}Transfer-Encoding: identity\r\n`),
      501,
      "unimplemented",
      'Transfer-Encoding "identity" is not supported',
    ],
    [
      "Transfer-Encoding chunked, gzip",
      post(`${HOST}Transfer-Encoding: chunked, gzip\r\n`, CHUNKS),
      501,
      "unimplemented",
      'Transfer-Encoding "chunked, gzip" is not supported',
    ],
    [
      "an empty Transfer-Encoding",
      post(`${HOST}Transfer-Encoding:\r\n`, ""),
      501,
      "unimplemented",
      'Transfer-Encoding "" is not supported',
    ],
    [
      "Transfer-Encoding twice",
      post(`${HOST}${CHUNKED}${CHUNKED}`, CHUNKS),
      501,
      "unimplemented",
      "is not supported: only chunked is",
    ],
    [
      "chunks in HTTP/1.0",
      post(`${HOST}${CHUNKED}`, CHUNKS, `POST ${path} HTTP/1.0`),
      400,
      "malformed",
      "HTTP/1.0 has no Transfer-Encoding",
    ],
    ["Content-Length, then Transfer-Encoding", post(`${HOST}${LENGTH}${CHUNKED}`, CHUNKS), 400, "malformed", noHttp],
    ["Transfer-Encoding, then Content-Length", post(`${HOST}${CHUNKED}${LENGTH}`, CHUNKS), 400, "malformed", noHttp],
    ["Content-Length twice", post(`${HOST}${LENGTH}${LENGTH}`), 400, "malformed", noHttp],
    ["Content-Length: x", post(`${HOST}Content-Length: x\r\n`), 400, "malformed", noHttp],
    ["Content-Length: -1", post(`${HOST}Content-Length: -1\r\n`), 400, "malformed", noHttp],
    ["Content-Length: +2", post(`${HOST}Content-Length: +2\r\n`), 400, "malformed", noHttp],
    ["an empty Content-Length", post(`${HOST}Content-Length:\r\n`), 400, "malformed", noHttp],
    ["a chunk of no size", post(`${HOST}${CHUNKED}`, "zz\r\n"), 400, "malformed", noHttp],
    [
      "HTTP/2.0",
      post(`${HOST}${LENGTH}`, "{}", `POST ${path} HTTP/2.0`),
      505,
      "malformed",
      "HTTP/2.0 is not supported: send HTTP/1.1",
    ],
    [
      "HTTP/0.9",
      post(`${HOST}${LENGTH}`, "{}", `POST ${path} HTTP/0.9`),
      505,
      "malformed",
      "HTTP/0.9 is not supported: send HTTP/1.1",
    ],
    [
      "HTTP/1.2",
      post(`${HOST}${LENGTH}`, "{}", `POST ${path} HTTP/1.2`),
      505,
      "malformed",
      "HTTP/1.2 is not supported: send HTTP/1.1",
    ],
    [
      "no version",
      post(`${HOST}${LENGTH}`, "{}", `POST ${path}`),
      505,
      "malformed",
      "HTTP/0.9 is not supported: send HTTP/1.1",
    ],
    [
      "the preface of HTTP/2",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      505,
      "malformed",
      "HTTP/2.0 is not supported: send HTTP/1.1",
      { hasNoOrigin: true },
    ],
    ["HTTP/1.x", post(`${HOST}${LENGTH}`, "{}", `POST ${path} HTTP/1.x`), 400, "malformed", noHttp],
    ["another protocol", post(`${HOST}${LENGTH}`, "{}", `POST ${path} FTP/1.1`), 400, "malformed", noHttp],
    [
      "a TLS handshake",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      400,
      "malformed",
      noHttp,
      { hasNoOrigin: true },
    ],
    [
      "a method in small letters",
      post(`${HOST}${LENGTH}`, "{}", `post ${path} HTTP/1.1`),
      404,
      "bad_route",
      'unsupported method "post"',
    ],
    [
      "options in small letters",
      `options ${path} HTTP/1.1\r\n${HOST}${own}\r\n`,
      404,
      "bad_route",
      'unsupported method "options"',
    ],
    [
      "a method that Node does not know",
      post(`${HOST}${LENGTH}`, "{}", `FOO ${path} HTTP/1.1`),
      404,
      "bad_route",
      'unsupported method "FOO"',
    ],
    ["a host for a target", post(`${HOST}${LENGTH}`, "{}", "POST example.com:80 HTTP/1.1"), 400, "malformed", noHttp],
    [
      "a target without a slash",
      post(`${HOST}${LENGTH}`, "{}", `POST ${path.slice(1)} HTTP/1.1`),
      400,
      "malformed",
      noHttp,
    ],
    ["a target beyond ASCII", post(`${HOST}${LENGTH}`, "{}", `POST ${path}\xe9 HTTP/1.1`), 400, "malformed", noHttp],
    ["a folded header", post(`${HOST}${LENGTH}X-Fold: a\r\n b\r\n`), 400, "malformed", noHttp],
    ["a folded Host", post(`Host: a\r\n b\r\n${LENGTH}`), 400, "malformed", noHttp],
    ["a space before a colon", post(`Host : a\r\n${LENGTH}`), 400, "malformed", noHttp],
    ["a header without a colon", post(`${HOST}${LENGTH}nothing\r\n`), 400, "malformed", noHttp],
    ["a header without a name", post(`${HOST}${LENGTH}: a\r\n`), 400, "malformed", noHttp],
    ["a header with a bad name", post(`${HOST}${LENGTH}a(b: c\r\n`), 400, "malformed", noHttp],
    ["a NUL in a header", post(`${HOST}${LENGTH}a: b\0c\r\n`), 400, "malformed", noHttp],
    ["a vertical tab behind a media type", post(`${HOST}${LENGTH}A: application/json\v\r\n`), 400, "malformed", noHttp],
    ["a lone carriage return", post(`${HOST}${LENGTH}a: b\rc\r\n`), 400, "malformed", noHttp],
    ["lone line feeds", post(`${HOST}${LENGTH}`).replaceAll("\r\n", "\n"), 400, "malformed", noHttp],
    [
      "a header of more than 16 KiB",
      post(`${HOST}${LENGTH}a: ${"b".repeat(17_000)}\r\n`),
      431,
      "malformed",
      "its header is too large",
    ],
    [
      "a target of more than 16 KiB",
      post(`${HOST}${LENGTH}`, "{}", `POST ${path}?${"b".repeat(17_000)} HTTP/1.1`),
      431,
      "malformed",
      "its header is too large",
    ],
    [
      "more than 1000 header lines",
      post(`${HOST}${LENGTH}${"a: b\r\n".repeat(996)}`),
      431,
      "malformed",
      "its header has more than 1000 lines",
    ],
    // Node 24 counts these as larger than 16 KiB, Node 20 does not.
    ["more than 2000 header lines", post(`${HOST}${LENGTH}${"a:\r\n".repeat(2100)}`), 431, "malformed", "its header "],
  ];
  return rows.map(([name, bytes, status, code, msg, more]) => ({
    name,
    status,
    code,
    msg,
    bytes: Buffer.from(bytes, "latin1"),
    ...more,
  }));
}
