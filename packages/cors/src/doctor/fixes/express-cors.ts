import type { Framework } from "./framework.ts";

/** https://github.com/expressjs/cors */
export const expressCors: Framework = {
  name: "Express cors",
  fixes: {
    allow_origin: 'app.use(cors({ origin: ["{origin}"] }))   before every route and every login check',
    origin_list:
      'cors({ origin: ["{origin}"] })   an array, which matches the origin of the request; not one string with commas',
    allow_credentials: 'cors({ origin: ["{origin}"], credentials: true })',
    origin_with_credentials: 'cors({ origin: ["{origin}"], credentials: true })',
    allow_method: 'cors({ methods: ["{method}"] })',
    valid_methods: 'cors({ methods: ["{method}"] })',
    allow_header: "cors({ allowedHeaders: [{quoted_headers}] }); without the option it allows every header",
    valid_headers: "cors({ allowedHeaders: [{quoted_headers}] }); without the option it allows every header",
    name_authorization: "cors({ allowedHeaders: [{quoted_headers}] }), or omit the option",
    one_layer: "use cors() once, and do not set Access-Control-Allow-Origin by hand or in the proxy",
    answer_preflight: "app.use(cors()) before routes and authentication; it answers OPTIONS with 204",
    preflight_redirect: "call the final URL; app.use(cors()) before any redirect, such as an upgrade to https",
    login_before_preflight: "app.use(cors()) before the login check; oauth2-proxy: --skip-auth-preflight",
    login: "answer 401 with the CORS headers instead of the redirect; let the page open the login",
    redirect: "call the redirect's target; app.use(cors()) before the code that redirects",
    error:
      "find the cause of the {status}; app.use(cors()) before everything that can fail, so that errors have the header",
    preflight_elsewhere: "app.use(cors()) for every method, not only app.options(...)",
  },
};
