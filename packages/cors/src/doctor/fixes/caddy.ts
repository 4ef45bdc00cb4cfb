import type { Framework } from "./framework.ts";

/** https://caddyserver.com/docs/caddyfile/directives/header */
export const caddy: Framework = {
  name: "Caddy",
  names: ["caddy"],
  tried: "Caddy 2.6.2",
  signs: [
    ["server", /^Caddy\b/i],
    ["via", /\bCaddy\b/i],
  ],
  comment: "#",
  policy: `@cors header Origin {origin}
@preflight {
  method OPTIONS
  header Origin {origin}
  header Access-Control-Request-Method *
}
header +Vary Origin
header @cors {
  Access-Control-Allow-Origin {header.Origin}{if credentials}
  Access-Control-Allow-Credentials true{end}{if method}
  Access-Control-Allow-Methods "{methods}"{end}{if headers}
  Access-Control-Allow-Headers "{headers}"{end}
}
respond @preflight 204
# in the site block; Caddy runs logins and redirects first, unless everything is in a route { } with this at its top
# both matchers need a line "header Origin" for each origin`,
  fixes: {
    one_layer: `header_down -Access-Control-Allow-Origin
header_down -Access-Control-Allow-Credentials
# inside reverse_proxy { }; or remove the header directive, and let the application alone send the headers`,
  },
};
