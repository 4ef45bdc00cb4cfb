import type { Framework } from "./framework.ts";

/** https://github.com/rs/cors */
export const rsCors: Framework = {
  name: "rs/cors (Go)",
  fixes: {
    allow_origin:
      'cors.New(cors.Options{AllowedOrigins: []string{"{origin}"}}).Handler(mux)   as the outermost handler',
    origin_list: 'cors.New(cors.Options{AllowedOrigins: []string{"{origin}"}}).Handler(mux)   as the outermost handler',
    allow_credentials: 'cors.Options{AllowedOrigins: []string{"{origin}"}, AllowCredentials: true}',
    origin_with_credentials: 'cors.Options{AllowedOrigins: []string{"{origin}"}, AllowCredentials: true}',
    allow_method: 'cors.Options{AllowedMethods: []string{"{method}"}}',
    valid_methods: 'cors.Options{AllowedMethods: []string{"{method}"}}',
    allow_header: "cors.Options{AllowedHeaders: []string{{quoted_headers}}}",
    valid_headers: "cors.Options{AllowedHeaders: []string{{quoted_headers}}}",
    name_authorization: "cors.Options{AllowedHeaders: []string{{quoted_headers}}}",
    one_layer: "wrap the handler once; remove w.Header().Add(...) from handlers, or the header from the proxy",
    answer_preflight:
      "cors.New(options).Handler(mux) outermost; by hand: if r.Method == http.MethodOptions { w.WriteHeader(204); return }",
    preflight_redirect: "call the final URL; wrap the whole mux, since http.ServeMux redirects /path to /path/",
    login_before_preflight: "wrap the login handler too, with cors outermost; oauth2-proxy: --skip-auth-preflight",
    login: "answer 401 with the CORS headers instead of the redirect; let the page open the login",
    redirect: "call the redirect's target; wrap the whole mux, since http.ServeMux redirects /path to /path/",
    error: "find the cause of the {status}; wrap the outermost handler, so that errors have the header",
    preflight_elsewhere:
      "wrap the handler itself, for every method; by hand: set the header before the check for OPTIONS too",
  },
};
