import type { Framework } from "./framework.ts";

export const nginx: Framework = {
  name: "nginx",
  fixes: {
    allow_origin: 'add_header Access-Control-Allow-Origin "{origin}" always;   without "always" errors have no header',
    origin_list: "map $http_origin $cors { default ''; '{origin}' $http_origin; }   then add_header ... $cors always;",
    allow_credentials: 'add_header Access-Control-Allow-Credentials "true" always;',
    origin_with_credentials: 'add_header Access-Control-Allow-Origin "{origin}" always;   and Allow-Credentials "true"',
    allow_method: 'add_header Access-Control-Allow-Methods "{method}" always;',
    valid_methods: 'add_header Access-Control-Allow-Methods "{method}" always;',
    allow_header: 'add_header Access-Control-Allow-Headers "{headers}" always;',
    valid_headers: 'add_header Access-Control-Allow-Headers "{headers}" always;',
    name_authorization: 'add_header Access-Control-Allow-Headers "*, authorization" always;',
    one_layer: "proxy_hide_header Access-Control-Allow-Origin;   or let only the application send it",
    answer_preflight: "if ($request_method = OPTIONS) { return 204; }   in the location, with its add_header lines",
    preflight_redirect:
      "call the final URL; answer OPTIONS before return 301: if ($request_method = OPTIONS) { return 204; }",
    login_before_preflight:
      "answer OPTIONS in the location, before auth_request: if ($request_method = OPTIONS) { return 204; }",
    login: "remove error_page 401, which makes the redirect, for the API; auth_request answers 401 by itself",
    redirect: "call the redirect's target; add_header next to return 301 too, often in another server block",
    error: 'find the cause of the {status}; add_header ... always: without "always" errors have no header',
    preflight_elsewhere: 'add_header Access-Control-Allow-Origin "{origin}" always;   outside the if for OPTIONS too',
  },
};
