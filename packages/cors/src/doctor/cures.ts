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

/** What is behind a failure, where another change fixes it than its code suggests. */
export type Cause =
  /** The preflight is redirected to a login. */
  | "login_before_preflight"
  /** So is the request itself. */
  | "login"
  /** The request is redirected elsewhere, by a reply without the header. */
  | "redirect"
  /** The page of an error lacks the header. */
  | "error"
  /** The preflight allowed the page, and the reply to the call lacks the header. */
  | "preflight_elsewhere";

export const curesOfCause: Readonly<Record<Cause, Cures>> = {
  login_before_preflight: {
    financeService: "it answers preflights without a token: let OPTIONS pass the login in front of it",
    expressCors: "app.use(cors()) before the login check; oauth2-proxy: --skip-auth-preflight",
    rsCors: "wrap the login's handler too, cors outermost; oauth2-proxy: --skip-auth-preflight",
    nginx: "answer OPTIONS in the location, before auth_request: if ($request_method = OPTIONS) { return 204; }",
  },
  login: {
    ...sameForAll("answer 401 in place of the redirect, with the CORS headers; the page itself opens the login"),
    financeService: "it answers 401 and never redirects: have the login in front of it answer 401 to calls of the API",
    nginx: "leave out error_page 401 for the API, which makes the redirect; auth_request answers 401 by itself",
  },
  redirect: {
    financeService: "it never redirects: call the URL that it leads to, or look at the proxy in front of it",
    expressCors: "call the URL that it leads to; app.use(cors()) before what redirects",
    rsCors: "call the URL that it leads to; wrap the whole mux, since http.ServeMux redirects /path to /path/",
    nginx: "call the URL that it leads to; add_header also where return 301 stands, often in another server block",
  },
  error: {
    financeService:
      "find the cause of the {status}: to a listed origin its own errors carry the header, so look at the proxy in front of it",
    expressCors:
      "find the cause of the {status}; app.use(cors()) before everything that can fail, so that its errors carry the header",
    rsCors: "find the cause of the {status}; wrap the outermost handler, so that its errors carry the header",
    nginx: 'find the cause of the {status}; add_header ... always: without "always" errors go out bare',
  },
  preflight_elsewhere: {
    financeService:
      "its replies carry the header: have the proxy in front of it keep them, and leave OPTIONS to this server",
    expressCors: "app.use(cors()) for every method, not app.options(...) alone",
    rsCors: "wrap the handler itself, for every method; by hand: set the header before the check for OPTIONS too",
    nginx: 'add_header Access-Control-Allow-Origin "{origin}" always;   outside the if for OPTIONS too',
  },
};

/** For a page on plain http, whose cookies anyone on the way could use: this server would not start. */
export const insecureCredentialsCure =
  "serve the page over https first: this server takes no plain http origin together with credentials; or drop withCredentials";

export const responseHeaderCures: Cures = sameForAll(
  "remove {response_headers} from the call: servers answer with it, and no page sends it",
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
