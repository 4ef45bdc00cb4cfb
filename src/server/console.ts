import { BlockList, isIPv6 } from "node:net";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import { createProbe, diagnose, readArguments, renderJson } from "../../packages/cors/src/doctor/index.ts";
import { createTwirpClientErrors, strictHttp } from "../../packages/twirp/src/index.ts";
import { gracefulExit, requestIdHeader, requestIdOf, SECURITY_HEADERS, setRequestId } from "../plugins/index.ts";

export interface ConsoleOptions {
  /** Where `npm run build` put the pages. */
  readonly root: string;
  readonly log: FastifyBaseLogger;
  /** The API for the pages to call: its origin, or its port on whatever host the page was reached by. */
  readonly api: { readonly url: string } | { readonly port: number };
  /** The API's. */
  readonly twirpPrefix: string;
  /** Signs in with one click; only for development. */
  readonly developmentToken: string | undefined;
}

/** A person waits for it. */
const DOCTOR_TIMEOUT_SECONDS = 5;

/** A name or address as browsers send it: nothing else may get into a policy or a URL. */
const HOST_NAME = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i;

/** What proxies add to what they forward. */
const PROXY_HEADERS = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Serves the web console on an origin of its own: its pages, /settings.json, which tells them where the API is, and
 * /diagnosis.json, in which the doctor says whether a page on this origin may call it.
 */
export async function buildConsole(options: ConsoleOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: "idle",
    genReqId: requestIdOf,
    http: { requireHostHeader: false },
    clientErrorHandler: createTwirpClientErrors({
      headersFor: (_origin, header) => ({ ...requestIdHeader(header), ...SECURITY_HEADERS }),
    }),
  });
  app.addHook("onRequest", async (request, reply) => {
    setRequestId(request, reply);
    reply.headers(pageHeaders(apiUrlOf(request, options)));
  });
  await app.register(strictHttp);
  await app.register(gracefulExit);
  await app.register(fastifyStatic, {
    root: options.root,
    setHeaders: (reply, path) => {
      // The build puts a digest of the content into each asset's name.
      const lasting = path.startsWith(join(options.root, "assets"));
      reply.header("cache-control", lasting ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  app.get("/settings.json", async (request, reply) => {
    reply.header("cache-control", "no-store");
    return {
      apiUrl: apiUrlOf(request, options),
      twirpPrefix: options.twirpPrefix,
      ...(isOfThisMachine(request) ? { developmentToken: options.developmentToken } : {}),
    };
  });
  app.get("/diagnosis.json", async (request, reply) => {
    reply.header("cache-control", "no-store");
    const origin = originOf(request);
    // Whoever may choose the name may choose whom we ask; and an API elsewhere may look otherwise from here than from a page.
    if ("url" in options.api || !isOfThisMachine(request) || origin === undefined) {
      return await reply.code(404).send({ message: "the doctor is asked here only for an API on this machine" });
    }
    const url = `${apiUrlOf(request, options)}${options.twirpPrefix}/finance.v1.FinanceService/GetAccount`;
    return await reply.type("application/json").send(await diagnoseFor(origin, url));
  });
  return app;
}

/** The origin of the console's own pages, as a browser writes it; undefined when the Host leads to none. */
function originOf({ protocol, host }: FastifyRequest): string | undefined {
  const url = `${protocol}://${host}`;
  if (!URL.canParse(url)) return undefined;
  const { origin, port } = new URL(url);
  return port === "0" ? undefined : origin;
}

/**
 * Whether a browser on this machine asks, under a name that leads here: a page that reached us under a name of its own
 * choosing (DNS rebinding) must not get the token, nor another machine that calls us localhost, directly or through a proxy
 * on this one.
 */
function isOfThisMachine({ hostname, headers, socket }: FastifyRequest): boolean {
  const { remoteAddress = "" } = socket;
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false;
  return LOOPBACK_NAMES.has(hostname) && loopback.check(remoteAddress, isIPv6(remoteAddress) ? "ipv6" : "ipv4");
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** What `npm run doctor -- URL --origin ORIGIN --json` prints. */
async function diagnoseFor(origin: string, url: string): Promise<string> {
  const asked = readArguments([url, "--origin", origin, "--timeout", `${DOCTOR_TIMEOUT_SECONDS}`]);
  if (asked.kind === "help" || asked.fromConfig) throw new TypeError("these arguments ask a server");
  const page = { ...asked.page, url: asked.url };
  return renderJson(await diagnose(page, createProbe(asked), asked), []);
}

function apiUrlOf({ protocol, hostname }: FastifyRequest, { api }: ConsoleOptions): string {
  if ("url" in api) return api.url;
  return `${protocol}://${HOST_NAME.test(hostname) ? hostname : "localhost"}:${api.port}`;
}

/**
 * What a page may do: run its own scripts, call the API, and nothing else; and who may hold it: nobody. A token lives in
 * the page, so that a script of somebody else's would be the whole loss.
 *
 * https://www.w3.org/TR/CSP3/ and https://owasp.org/www-project-secure-headers/
 */
function pageHeaders(apiUrl: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${apiUrl}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  };
}
