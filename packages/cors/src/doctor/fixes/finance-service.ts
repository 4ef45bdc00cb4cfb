import type { Framework } from "./framework.ts";

export const financeService: Framework = {
  name: "finance-service",
  names: ["finance-service"],
  tried: "this version",
  signs: [["access-control-expose-headers", /\bidempotent-replayed\b/]],
  comment: "#",
  policy: "CORS_ALLOWED_ORIGINS={origin}",
  fixes: {
    allow_origin:
      "add {origin} to CORS_ALLOWED_ORIGINS; the variable replaces the default list: repeat the origins that you keep (https://*.example.com and http://localhost:* work too)",
    origin_list:
      "add {origin} to CORS_ALLOWED_ORIGINS; the variable replaces the default list: repeat the origins that you keep (https://*.example.com and http://localhost:* work too)",
    allow_credentials:
      "CORS_ALLOW_CREDENTIALS=true; a bearer token needs no credentials: remove withCredentials instead",
    origin_with_credentials:
      "CORS_ALLOWED_ORIGINS={origin} with CORS_ALLOW_CREDENTIALS=true, or remove withCredentials",
    allow_method: "use POST, the only method of a Twirp service",
    valid_methods: "this server cannot send that; check the proxy in front of it",
    allow_header:
      "add {refused} to CORS_ALLOWED_HEADERS; the variable replaces the default list: repeat the headers that you keep",
    valid_headers: "this server cannot send that; check the proxy in front of it",
    name_authorization: "CORS_ALLOWED_HEADERS=*,authorization",
    one_layer: "this server sends one value; remove Access-Control-* from the proxy in front of it",
    answer_preflight:
      "it answers preflights with CORS_PREFLIGHT_STATUS; 403 means that {origin} is not in CORS_ALLOWED_ORIGINS",
    preflight_redirect: "it never redirects: call the final URL, or exempt OPTIONS in the proxy",
    login_before_preflight: "it answers preflights without a token: let the login in front of it pass OPTIONS",
    login: "it answers 401 and never redirects: let the login in front of it answer 401 to API calls",
    redirect: "it never redirects: call the redirect's target, or check the proxy in front of it",
    error:
      "find the cause of the {status}: its own errors have the header for listed origins, so check the proxy in front of it",
    preflight_elsewhere:
      "its replies have the header: let the proxy in front of it keep the header, and leave OPTIONS to this server",
  },
};
