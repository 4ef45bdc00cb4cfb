import type { Framework } from "./framework.ts";

/** https://httpd.apache.org/docs/2.4/mod/mod_headers.html */
export const apache: Framework = {
  name: "Apache",
  names: ["apache", "httpd", "apache2"],
  tried: "Apache 2.4.71",
  signs: [["server", /^Apache(?:\/|$| )/i]],
  comment: "#",
  policy: `Header always set Access-Control-Allow-Origin "{origin}" "expr=%{HTTP:Origin} == '{origin}'"
Header always merge Vary Origin{if credentials}
Header always set Access-Control-Allow-Credentials true{end}{if method}
Header always set Access-Control-Allow-Methods "{methods}"{end}{if headers}
Header always set Access-Control-Allow-Headers "{headers}"{end}
RewriteEngine On
RewriteCond %{REQUEST_METHOD} =OPTIONS
RewriteRule ^ - [R=204,L]
# in the VirtualHost, before other rewrites; repeat the first line for each origin; a2enmod headers rewrite`,
  fixes: {
    one_layer: `Header onsuccess unset Access-Control-Allow-Origin
Header onsuccess unset Access-Control-Allow-Credentials
# removes what the application sends beside "Header always set"; or remove that, and let the application alone send it`,
  },
};
