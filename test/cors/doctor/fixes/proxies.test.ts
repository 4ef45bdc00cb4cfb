/** nginx, Caddy, Apache and HAProxy from Debian, in front of an API that knows nothing of CORS. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { isInstalled, isRequired, starter } from "./programs.ts";
import { page, type Scene, type Start, testFixes } from "./scenes.ts";

let api: Server;
let apiPort = 0;

beforeAll(async () => {
  api = createServer((request, response) => {
    if (request.url === "/fails") response.statusCode = 500;
    if (request.method === "OPTIONS") response.statusCode = 405;
    if (request.url === "/knows-cors") response.setHeader("Access-Control-Allow-Origin", page);
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await once(api, "listening");
  // A listening TCP server has an address and a port.
  apiPort = (api.address() as AddressInfo).port;
});

afterAll(() => {
  api.closeAllConnections();
  api.close();
});

/** Starts a program with a configuration file. */
function configured(
  configure: (port: number, setting: string, directory: string) => string,
  command: string,
  argsFor: (file: string) => readonly string[],
): Start {
  return starter(async (directory, port, setting) => {
    const file = join(directory, "configuration");
    await writeFile(file, configure(port, setting, directory));
    return [command, ...argsFor(file)];
  });
}

/** The scenes that all servers share, made of the CORS headers that they send. */
function scenesOf(print: (headers: Readonly<Record<string, string>>) => string): Scene[] {
  const right = {
    "Access-Control-Allow-Origin": page,
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "x-client",
  };
  return [
    { name: "no CORS at all", fails: "allow_origin_missing", broken: "" },
    { name: "no CORS for cookies", fails: "allow_origin_missing", broken: "", credentials: true },
    {
      name: "another origin",
      fails: "origin_not_allowed",
      broken: print({ ...right, "Access-Control-Allow-Origin": "https://app.example" }),
    },
    {
      name: "a list in the header",
      fails: "allow_origin_list",
      broken: print({ ...right, "Access-Control-Allow-Origin": `https://app.example, ${page}` }),
    },
    {
      name: "not the method",
      fails: "method_not_allowed",
      broken: print({ ...right, "Access-Control-Allow-Methods": "GET" }),
    },
    {
      name: "not the header",
      fails: "header_not_allowed",
      broken: print({ ...right, "Access-Control-Allow-Headers": "x-other" }),
    },
    {
      name: "* with credentials",
      fails: "wildcard_origin_with_credentials",
      broken: print({ ...right, "Access-Control-Allow-Origin": "*" }),
      credentials: true,
    },
    {
      name: "credentials are not allowed",
      fails: "credentials_not_allowed",
      broken: print(right),
      credentials: true,
    },
  ];
}

describe.skipIf(!isInstalled("nginx", "-v") && !isRequired)("nginx (needs nginx)", () => {
  const start = configured(
    (port, setting, directory) => `
daemon off;
master_process off;
pid ${directory}/pid;
error_log stderr;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${directory};`).join(" ")}
  server {
    listen 127.0.0.1:${port};
    add_header X-Frame-Options DENY;
    location / {
      ${setting}
      proxy_pass http://127.0.0.1:${apiPort};
    }
  }
}`,
    "nginx",
    (file) => ["-c", file],
  );
  const headers = (values: Readonly<Record<string, string>>) =>
    Object.entries(values)
      .map(([name, value]) => `add_header ${name} "${value}" always;`)
      .join("\n");
  const preflight = "if ($request_method = OPTIONS) { return 204; }";
  const right = headers({
    "Access-Control-Allow-Origin": page,
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "x-client",
    Vary: "Origin",
  });
  testFixes("nginx", start, [
    ...scenesOf((values) => `${headers(values)}\n${preflight}`),
    { name: "the API refuses OPTIONS", fails: "preflight_status", broken: right },
    {
      name: "a login answers the preflight",
      fails: "preflight_status",
      broken: right,
      rest: 'auth_basic "API"; auth_basic_user_file /dev/null;',
      reads: 401,
    },
    {
      name: "the preflight is redirected",
      fails: "preflight_redirect",
      broken: "",
      rest: "if ($uri = /old) { return 307 /api; }",
      path: "/old",
    },
    {
      name: "errors lack the header",
      fails: "allow_origin_missing",
      broken: `${right.replaceAll(" always", "")}\n${preflight}`,
      path: "/fails",
      reads: 500,
    },
    {
      name: "a header in the location hides those of the server block",
      fails: "allow_origin_missing",
      broken: "add_header X-Request-Id $request_id;",
    },
    {
      name: "the header comes twice",
      fails: "allow_origin_repeated",
      broken: "",
      rest: `${right}\n${preflight}`,
      path: "/knows-cors",
    },
  ]);
});

describe.skipIf(!isInstalled("caddy", "version") && !isRequired)("Caddy (needs caddy)", () => {
  const configure = (site: (setting: string) => string) => (port: number, setting: string) =>
    `
{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  ${site(setting)}
}`;
  const args = (file: string) => ["run", "--adapter", "caddyfile", "--config", file];
  const api = () => `reverse_proxy 127.0.0.1:${apiPort}`;
  const start = configured(
    configure((setting) => `${setting}\n${api()}`),
    "caddy",
    args,
  );
  const startInRoute = configured(
    configure((setting) => `route {\n${setting}\n${api()}\n}`),
    "caddy",
    args,
  );
  const headers = (values: Readonly<Record<string, string>>) =>
    Object.entries(values)
      .map(([name, value]) => `header ${name} "${value}"`)
      .join("\n");
  const right = headers({
    "Access-Control-Allow-Origin": page,
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "x-client",
    Vary: "Origin",
  });
  const preflight = "@options method OPTIONS\nrespond @options 204";
  const startInProxy = configured(
    configure((setting) => `${right}\n${preflight}\n${api()} {\n${setting}\n}`),
    "caddy",
    args,
  );
  testFixes("caddy", start, [
    ...scenesOf((values) => `${headers(values)}\n${preflight}`),
    { name: "the API refuses OPTIONS", fails: "preflight_status", broken: right },
    {
      name: "errors lack the header",
      fails: "allow_origin_missing",
      broken: preflight.replace("respond @options 204", `handle @options {\n${right}\nrespond 204\n}`),
      path: "/fails",
      reads: 500,
    },
    {
      name: "Caddy's own errors lack the header",
      fails: "allow_origin_missing",
      broken: preflight.replace("respond @options 204", `handle @options {\n${right}\nrespond 204\n}`),
      rest: "@refused {\n  method PUT\n  path /refused\n}\nerror @refused 503",
      path: "/refused",
      reads: 503,
    },
  ]);
  testFixes("caddy", startInRoute, [
    {
      name: "a login answers the preflight",
      fails: "preflight_status",
      broken: right,
      rest: "basicauth {\n  client JDJhJDE0JEdWcUNYSW1GQ3pWY2NzNWhvRmNwWnVGLnhNVTZKZGhOT2FRT1FuLlJNbGZyZ2R5Y0V4S1pX\n}",
      reads: 401,
    },
    {
      name: "the preflight is redirected",
      fails: "preflight_redirect",
      broken: "",
      rest: "redir /old /api 307",
      path: "/old",
    },
  ]);
  testFixes("caddy", startInProxy, [
    { name: "the header comes twice", fails: "allow_origin_repeated", broken: "", path: "/knows-cors" },
  ]);
});

describe.skipIf(!isInstalled("apache2", "-v") && !isRequired)("Apache (needs apache2)", () => {
  const modules = ["mpm_event", "authz_core", "authz_user", "authn_core", "authn_file", "auth_basic"];
  modules.push("headers", "rewrite", "alias", "proxy", "proxy_http");
  const start = configured(
    (port, setting, directory) => `
ServerRoot ${directory}
ServerName localhost
PidFile ${directory}/pid
DefaultRuntimeDir ${directory}
ErrorLog ${directory}/errors
User www-data
Group www-data
Listen 127.0.0.1:${port}
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
<VirtualHost *:${port}>
  ${setting}
  ProxyPass / http://127.0.0.1:${apiPort}/
</VirtualHost>`,
    "apache2",
    (file) => ["-D", "FOREGROUND", "-f", file],
  );
  const headers = (values: Readonly<Record<string, string>>) =>
    Object.entries(values)
      .map(([name, value]) => `Header always set ${name} "${value}"`)
      .join("\n");
  const preflight = "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} =OPTIONS\nRewriteRule ^ - [R=204,L]";
  const right = headers({
    "Access-Control-Allow-Origin": page,
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "x-client",
    Vary: "Origin",
  });
  testFixes("apache", start, [
    ...scenesOf((values) => `${headers(values)}\n${preflight}`),
    { name: "the API refuses OPTIONS", fails: "preflight_status", broken: right },
    {
      name: "a login answers the preflight",
      fails: "preflight_status",
      broken: right,
      rest: '<Location "/">\nAuthType Basic\nAuthName API\nAuthUserFile /dev/null\nRequire valid-user\n</Location>',
      reads: 401,
    },
    {
      name: "the preflight is redirected",
      fails: "preflight_redirect",
      broken: "",
      rest: "RewriteEngine On\nRewriteRule ^/old$ /api [R=307,L]",
      path: "/old",
    },
    {
      name: "errors lack the header",
      fails: "allow_origin_missing",
      broken: `${right}\n${preflight}\nHeader always unset Access-Control-Allow-Origin "expr=%{REQUEST_STATUS} >= 500"`,
      path: "/fails",
      reads: 500,
    },
    {
      name: "the header comes twice",
      fails: "allow_origin_repeated",
      broken: "",
      rest: `${right}\n${preflight}`,
      path: "/knows-cors",
    },
  ]);
});

describe.skipIf(!isInstalled("haproxy", "-v") && !isRequired)("HAProxy (needs haproxy)", () => {
  const start = configured(
    (port, setting) => `
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:${port}
  ${setting}
  default_backend api
backend api
  server api 127.0.0.1:${apiPort}
`,
    "haproxy",
    (file) => ["-db", "-f", file],
  );
  const headers = (values: Readonly<Record<string, string>>, action = "http-after-response") =>
    Object.entries(values)
      .map(([name, value]) => `${action} add-header ${name} "${value}"`)
      .join("\n");
  const preflight = "http-request return status 204 if METH_OPTIONS";
  const right = {
    "Access-Control-Allow-Origin": page,
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "x-client",
    Vary: "Origin",
  };
  testFixes("haproxy", start, [
    ...scenesOf((values) => `${preflight}\n${headers(values)}`),
    { name: "the API refuses OPTIONS", fails: "preflight_status", broken: headers(right) },
    {
      name: "a login answers the preflight",
      fails: "preflight_status",
      broken: headers(right),
      rest: "http-request return status 401 if !{ req.hdr(x-client) -m found }",
    },
    {
      name: "the preflight is redirected",
      fails: "preflight_redirect",
      broken: "",
      rest: "http-request redirect location /api code 307 if { path /old }",
      path: "/old",
    },
    {
      name: "HAProxy's own errors lack the header",
      fails: "allow_origin_missing",
      broken: `${Object.entries(right).reduce((line, [name, value]) => `${line} hdr ${name} "${value}"`, "http-request return status 204")} if METH_OPTIONS
${headers(right, "http-response")}`,
      rest: "http-request deny deny_status 503 if { path /refused }",
      path: "/refused",
      reads: 503,
    },
    {
      name: "the header comes twice",
      fails: "allow_origin_repeated",
      broken: `${preflight}\n${headers(right)}`,
      path: "/knows-cors",
    },
  ]);
});
