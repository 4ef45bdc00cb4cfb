/** What mends a failure, where several failures are mended alike; placeholders as in the explanations. */

/** What to change, in the words of each server. */
export interface Cures {
  /** This server: variables of its environment. */
  readonly financeService: string;
  /** https://github.com/expressjs/cors */
  readonly expressCors: string;
  /** https://github.com/rs/cors */
  readonly rsCors: string;
  readonly nginx: string;
}

export const sameForAll = (cure: string): Cures => ({
  financeService: cure,
  expressCors: cure,
  rsCors: cure,
  nginx: cure,
});

export const originCures: Cures = {
  financeService:
    "add {origin} to CORS_ALLOWED_ORIGINS; the variable replaces the default list: repeat what you keep (https://*.example.com and http://localhost:* work too)",
  expressCors: 'app.use(cors({ origin: ["{origin}"] }))   before every route and every login check',
  rsCors: 'cors.New(cors.Options{AllowedOrigins: []string{"{origin}"}}).Handler(mux)   as the outermost handler',
  nginx: 'add_header Access-Control-Allow-Origin "{origin}" always;   without "always" errors go out bare',
};

/** For the page of an error behind a preflight that passed: the origin is allowed already. */
export const errorPageCures: Cures = {
  financeService:
    "look for the {status} in the server's log; its own errors carry the header, so a proxy in front of it wrote this page",
  expressCors:
    "find the cause of the {status}; app.use(cors()) before everything that can fail, so that its errors carry the header",
  rsCors: "find the cause of the {status}; wrap the outermost handler, so that its errors carry the header",
  nginx: 'find the cause of the {status}; add_header ... always: without "always" errors go out bare',
};

export const responseHeaderCures: Cures = sameForAll(
  "remove {response_headers} from the call: a server sends it, never a page",
);

export const oneLayerCures: Cures = {
  financeService: "this server sends one; remove Access-Control-* from the proxy in front of it",
  expressCors: "use cors() once, and set no Access-Control-Allow-Origin by hand or in the proxy",
  rsCors: "wrap the handler once; remove w.Header().Add(...) from handlers, or the header from the proxy",
  nginx: "proxy_hide_header Access-Control-Allow-Origin;   or let the application alone send it",
};

export const credentialsCures: Cures = {
  financeService: "CORS_ALLOW_CREDENTIALS=true; a bearer token needs no credentials: drop withCredentials instead",
  expressCors: 'cors({ origin: ["{origin}"], credentials: true })',
  rsCors: 'cors.Options{AllowedOrigins: []string{"{origin}"}, AllowCredentials: true}',
  nginx: 'add_header Access-Control-Allow-Credentials "true" always;',
};

export const methodCures: Cures = {
  financeService: "call by POST: a Twirp service has no other method",
  expressCors: 'cors({ methods: ["{method}"] })',
  rsCors: 'cors.Options{AllowedMethods: []string{"{method}"}}',
  nginx: 'add_header Access-Control-Allow-Methods "{method}" always;',
};

export const headerCures: Cures = {
  financeService: "add {refused} to CORS_ALLOWED_HEADERS; the variable replaces the default list: repeat what you keep",
  expressCors: "cors({ allowedHeaders: [{quoted_headers}] }); without the option it allows whatever is asked for",
  rsCors: "cors.Options{AllowedHeaders: []string{{quoted_headers}}}",
  nginx: 'add_header Access-Control-Allow-Headers "{headers}" always;',
};
