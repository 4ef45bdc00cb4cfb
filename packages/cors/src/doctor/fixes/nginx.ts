import type { Framework } from "./framework.ts";

/** https://nginx.org/en/docs/http/ngx_http_headers_module.html */
export const nginx: Framework = {
  name: "nginx",
  names: ["nginx"],
  tried: "nginx 1.22.1",
  signs: [["server", /^(?:nginx|openresty)\b/i]],
  comment: "#",
  policy: `set $cors_origin "";
if ($http_origin = "{origin}") { set $cors_origin $http_origin; } # a line for each origin
if ($request_method = OPTIONS) { return 204; }
add_header Access-Control-Allow-Origin $cors_origin always;
add_header Vary Origin always;{if credentials}
add_header Access-Control-Allow-Credentials true always;{end}{if method}
add_header Access-Control-Allow-Methods "{methods}" always;{end}{if headers}
add_header Access-Control-Allow-Headers "{headers}" always;{end}
# at the top of the location, in place of other CORS lines; its add_header lines hide those of the server block
# "always" covers errors too`,
  fixes: {
    one_layer: `proxy_hide_header Access-Control-Allow-Origin;
proxy_hide_header Access-Control-Allow-Credentials;
# beside proxy_pass; or remove add_header here, and let the application alone send the headers`,
    login: "remove error_page 401, which makes the redirect, for the API; auth_request answers 401 by itself",
  },
};
