import { BlockList, isIPv6 } from "node:net";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import { createProbe, diagnose, readArguments, renderJson } from "../../packages/cors/src/doctor/index.ts";
import { createTwirpClientErrors, strictHttp } from "../../packages/twirp/src/index.ts";
import { LOOPBACK_HOSTS } from "../config/config.ts";
import { consolePages } from "../package-files.ts";
import { gracefulExit, requestIdHeader, requestIdOf, SECURITY_HEADERS, setRequestId } from "../plugins/index.ts";

export interface ConsoleOptions {
  /** The folder of the pages. Default: the package's own. */
  readonly root?: string;
  readonly log: FastifyBaseLogger;
  /** The API for the pages: its origin, or its port on the host that the page came from. */
  readonly api: { readonly url: string } | { readonly port: number };
  readonly twirpPrefix: string;
  /** Allows to sign in with one click; only for development. */
  readonly developmentToken: string | undefined;
}

/** Short, because a person waits. */
const DOCTOR_TIMEOUT_SECONDS = 5;

/**
 * The doctor's page shows files of strangers, so it gets an origin of its own, without the console's token. Its own policy, which
 * is in the file, forbids all connections.
 */
const DOCTOR_PAGE = "doctor.html";
const DOCTOR_HEADERS = {
  "content-security-policy": "sandbox allow-scripts; connect-src 'none'; frame-ancestors 'none'",
  // Browsers refuse a sandboxed page with a policy for its opener: https://html.spec.whatwg.org/multipage/document-lifecycle.html
  "cross-origin-opener-policy": "unsafe-none",
};

/** A host as browsers send it. Nothing else may get into a policy or a URL. */
const HOST_NAME = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i;

/** Headers that proxies add. */
const PROXY_HEADERS = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/**
 * Serves the web console on an origin of its own: its pages, /settings.json, which says where the API is, and
 * /diagnosis.json, in which the doctor says whether a page on this origin may call it.
 */
export async function buildConsole(options: ConsoleOptions): Promise<FastifyInstance> {
  const { root = consolePages() } = options;
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
    root,
    setHeaders: (reply, path) => {
      // The build puts a digest of the content into each asset's name.
      const lasting = path.startsWith(join(root, "assets"));
      if (path === join(root, DOCTOR_PAGE)) reply.headers(DOCTOR_HEADERS);
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
    // The Host header is attacker-controlled (SSRF), and another machine's API may answer this process and a page differently.
    if ("url" in options.api || !isOfThisMachine(request) || origin === undefined) {
      return await reply
        .code(404)
        .send({ message: "the doctor diagnoses only an API on this machine, for a browser on it" });
    }
    const url = `${apiUrlOf(request, options)}${options.twirpPrefix}/finance.v1.FinanceService/GetAccount`;
    return await reply.type("application/json").send(await diagnoseFor(origin, url));
  });
  return app;
}

/** The origin of the console's own pages, as a browser writes it; undefined if the Host header makes no origin. */
function originOf({ protocol, host }: FastifyRequest): string | undefined {
  const url = `${protocol}://${host}`;
  if (!URL.canParse(url)) return undefined;
  const { origin, port } = new URL(url);
  return port === "0" ? undefined : origin;
}

/**
 * Whether a browser on this machine asks, under a loopback name. A page whose own name points to this machine (DNS
 * rebinding) must not get the token, nor may another machine that sends `Host: localhost`, directly or through a proxy here.
 */
function isOfThisMachine({ hostname, headers, socket }: FastifyRequest): boolean {
  const { remoteAddress = "" } = socket;
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false;
  return LOOPBACK_HOSTS.has(hostname) && loopback.check(remoteAddress, isIPv6(remoteAddress) ? "ipv6" : "ipv4");
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** The output of `npm run doctor -- URL --origin ORIGIN --json`. */
async function diagnoseFor(origin: string, url: string): Promise<string> {
  const asked = readArguments([url, "--origin", origin, "--timeout", `${DOCTOR_TIMEOUT_SECONDS}`]);
  if (asked.kind !== "check" || asked.fromConfig) throw new TypeError("these arguments ask a server");
  const page = { ...asked.page, url: asked.url };
  return renderJson(await diagnose(page, createProbe(asked), asked), []);
}

function apiUrlOf({ protocol, hostname }: FastifyRequest, { api }: ConsoleOptions): string {
  if ("url" in api) return api.url;
  return `${protocol}://${HOST_NAME.test(hostname) ? hostname : "localhost"}:${api.port}`;
}

/**
 * A page may run its own scripts and call the API, nothing else, and no other page may embed it: it holds a token, which a
 * foreign script would steal.
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
