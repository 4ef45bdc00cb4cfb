import fc from "fast-check";
import { expect, test } from "vitest";
import type { ConfigurationReason, CorsConfig, Policy } from "../../packages/cors/src/index.ts";
import { compile, reasons } from "../../packages/cors/src/index.ts";

const app = "https://app.example.com";

/** A configuration with one mistake: the reason, the option, and what the message advises. */
type Incorrect = [ConfigurationReason, keyof CorsConfig, Partial<CorsConfig>, advice: string];

const incorrect: Incorrect[] = [
  ["missing", "allowedOrigins", { allowedOrigins: [] }, "write none"],
  [
    "wildcard_origin_with_credentials",
    "allowedOrigins",
    { allowedOrigins: "*", credentials: true },
    "List the origins",
  ],
  ["wildcard_origin_with_credentials", "allowedOrigins", { allowedOrigins: [app, "*"], credentials: true }, "List"],
  ["null_origin_prohibited", "allowedOrigins", { allowedOrigins: ["null"] }, "sandboxed frame"],

  ["invalid_origin", "allowedOrigins", { allowedOrigins: [""] }, "the value is empty"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["none", app] }, "none can't be combined with origins"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["example.com"] }, "https://example.com"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["localhost:5173"] }, "missing: http://localhost:5173"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["[::1]:5173"] }, "missing: http://[::1]:5173"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ['"*"'] }, "drop the quotes: *"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`"${app}"`] }, `drop the quotes: ${app}`],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: ["'localhost:5173'"] },
    "drop the quotes: http://localhost:5173",
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ['""'] }, "the value is empty"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`["${app}"`] }, `not JSON: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`"${app}"]`] }, `not JSON: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`["${app}","${app}"]`] }, "not JSON"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https:/example.com"] }, "two slashes"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["//example.com"] }, "scheme is missing"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["://example.com"] }, "missing: https://example.com"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://"] }, "host is missing"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://:8443"] }, "host is missing"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["HTTPS://example.com"] }, "lower case: https://example.com"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app}/`] }, `drop the trailing slash: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://*.example.com/"] }, ": https://*.example.com"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app}/login`] }, `ends after host and port: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app}?x`] }, `ends after host and port: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app}#x`] }, `ends after host and port: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https:///x"] }, "ends after host and port"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://a@example.com"] }, "no user or password"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app}, https://b.example`] }, "one origin per element"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app} `] }, "drop the white space"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://Example.com"] }, "ly: https://example.com"],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: ["https://Example.com:8443"] },
    "ly: https://example.com:8443",
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://éxample.com"] }, "ly: https://xn--xample-9ua.com"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://*.Example.com"] }, "ly: https://*.example.com"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["http://[0:0:0:0:0:0:0:1]:9090"] }, "ly: http://[::1]:9090"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["http://[::1"] }, "in brackets"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["http://::1"] }, "in brackets"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["http://[::g]"] }, "not a valid host name"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["http://127.1"] }, "ly: http://127.0.0.1"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["http://256.0.0.1"] }, "not a valid host name"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://a..example.com"] }, "labels of 1 to 63"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`https://${"a".repeat(64)}.com`] }, "labels of 1 to 63"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`https://${"a.".repeat(130)}com`] }, "at most 253"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://a!b.com"] }, "letters, digits"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["file:///home/index.html"] }, "file:// without a path"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["data://example.com"] }, "origin null"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["capacitor://localhost/"] }, ": capacitor://localhost"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["wss://example.com"] }, "origin of the page"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["chrome-extension://é"] }, "letters, digits"],

  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`“${app}”`] }, `drop the quotes: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`„${app}“`] }, `drop the quotes: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`«${app}»`] }, `drop the quotes: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`‹${app}›`] }, `drop the quotes: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`＂${app}＂`] }, `drop the quotes: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`(${app})`] }, `drop the brackets: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`<${app}>`] }, `drop the brackets: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`{${app}}`] }, `drop the brackets: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`\u00a0${app}`] }, `invisible: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app}\u200b`] }, `invisible: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`\ufeff${app}`] }, `invisible: ${app}`],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: [`${app};https://b.example`] },
    `no spaces: ${app},https://b.example`,
  ],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: [`${app} https://b.example/`] },
    `no spaces: ${app},https://b.example`,
  ],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: [`${app}; https://B.example`] },
    `no spaces: ${app},https://b.example`,
  ],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: [`${app}|https://b.example:443`] },
    `no spaces: ${app},https://b.example`,
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`- ${app}`] }, `no spaces: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`${app} # ours`] }, "no spaces"],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: ["HTTP://LOCALHOST:5173/"] },
    "lower case: http://localhost:5173",
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https//a.example"] }, "colon is missing: https://a.example"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https:\\\\a.example"] }, "two slashes: https://a.example"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["about:blank"] }, "origin null"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["::1"] }, "brackets: http://[::1]"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`#${app}`] }, `before the scheme: ${app}`],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: [`Access-Control-Allow-Origin: ${app}`] },
    `value alone: ${app}`,
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`CORS_ALLOWED_ORIGINS=${app}`] }, `value alone: ${app}`],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["htps://a.example"] }, "a typing error: https://a.example"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["ttp://a.example"] }, "a typing error: http://a.example"],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: ["wss://a.example:8443"] },
    "origin of the page: https://a.example:8443",
  ],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: ["https://a:b@a.example"] },
    "before the @: https://a.example",
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://a.example:1:2"] }, "one port"],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: ["https://.example.com"] },
    "subdomains are written with *: https://*.example.com",
  ],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: [".Example.com"] },
    "scheme is missing: https://*.example.com",
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["$ORIGIN"] }, "a placeholder"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["$\u007bORIGIN}"] }, "a placeholder"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["%ORIGIN%"] }, "a placeholder"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://<your-domain>"] }, "a placeholder"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["{{ origin }}"] }, "a placeholder"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://{domain}"] }, "a placeholder"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["true"] }, "write *"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["None"] }, "write none"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["undefined"] }, "left this behind"],
  ["null_origin_prohibited", "allowedOrigins", { allowedOrigins: ["NULL"] }, "sandboxed frame"],
  ["null_origin_prohibited", "allowedOrigins", { allowedOrigins: ['"null"'] }, "sandboxed frame"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["**"] }, "nothing else"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["\\\\*"] }, "nothing else"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://.*"] }, "not regular expressions"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["/https:\\/\\/a/"] }, "not regular expressions"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["^https://a"] }, "not regular expressions"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://(a|b).example.com"] }, "not regular expressions"],
  [
    "invalid_pattern",
    "allowedOrigins",
    { allowedOrigins: ["https://**.Example.com"] },
    "at the start: https://*.example.com",
  ],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["http://localhost:51*"] }, "any port: http://localhost:*"],
  ["invalid_port", "allowedOrigins", { allowedOrigins: [`${app}:08443`] }, `leading zeros, or *: ${app}:8443`],
  ["invalid_port", "allowedOrigins", { allowedOrigins: [`${app}:0443`] }, `leading zeros, or *: ${app}`],

  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*"] }, "* alone"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*:8443"] }, "* alone"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["*://example.com"] }, "scheme cannot"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://**.example.com"] }, "whole labels"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*.*.example.com"] }, "whole labels"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*example.com"] }, "whole labels"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://example.*"] }, "whole labels"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*.127.0.0.1"] }, "no subdomains"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*.[::1]"] }, "no subdomains"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["tauri://*.localhost"] }, "http and https only"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["http://localhost:80*"] }, ":* for any port"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*-team.vercel.app"] }, "on each side"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://app-*.vercel.app"] }, "on each side"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://-*-team.vercel.app"] }, "on each side"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://app-*-_.vercel.app"] }, "on each side"],
  [
    "invalid_pattern",
    "allowedOrigins",
    { allowedOrigins: ["https://*team.example.com"] },
    ": https://*.team.example.com",
  ],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://a-*-*-b.example.com"] }, "once in the first label"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://a-**-b.example.com"] }, "once in the first label"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://x.a-*-b.example.com"] }, "once in the first label"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://*.a-*-b.example.com"] }, "once in the first label"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://a-*-b.*.example.com"] }, "once in the first label"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["http://app-*-team:3000"] }, "only below a domain"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["http://[fd00:*:1]"] }, "only below a domain"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://xn--a*b.example.com"] }, "not encoded"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://XN--a*b.example.com"] }, "not encoded"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["https://é-*-b.example.com"] }, "not encoded"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["app://a-*-b.host"] }, "http and https only"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["chrome-extension://*"] }, "list chrome-extension://ID"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["chrome-extension://a*b"] }, "http and https only"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["moz-extension://a*b"] }, "http and https only"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["moz-extension://*.a"] }, "http and https only"],
  ["invalid_pattern", "allowedOrigins", { allowedOrigins: ["moz-extension://*:*"] }, "no port: moz-extension://*"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["moz-extension://*/"] }, "slash: moz-extension://*"],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: ["https://App-*-Team.Vercel.app:8443"] },
    ": https://app-*-team.vercel.app:8443",
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://app-*-x.1.2.3"] }, "not a valid host name"],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: ["https://app-*-x..example.com"] }, "labels of 1 to 63"],
  [
    "invalid_origin",
    "allowedOrigins",
    { allowedOrigins: [`https://${"a".repeat(31)}*${"b".repeat(32)}.example.com`] },
    "labels of 1 to 63",
  ],
  ["invalid_origin", "allowedOrigins", { allowedOrigins: [`https://a*b.${"a.".repeat(124)}com`] }, "at most 253"],
  [
    "default_port",
    "allowedOrigins",
    { allowedOrigins: ["https://a-*-b.example.com:443"] },
    ": https://a-*-b.example.com",
  ],

  ["default_port", "allowedOrigins", { allowedOrigins: [`${app}:443`] }, app],
  ["default_port", "allowedOrigins", { allowedOrigins: ["http://[::1]:80"] }, "http://[::1]"],
  ["invalid_port", "allowedOrigins", { allowedOrigins: [`${app}:0443`] }, "leading zeros"],
  ["invalid_port", "allowedOrigins", { allowedOrigins: [`${app}:0`] }, "1 to 65535"],
  ["invalid_port", "allowedOrigins", { allowedOrigins: [`${app}:65536`] }, "1 to 65535"],
  ["invalid_port", "allowedOrigins", { allowedOrigins: [`${app}:http`] }, "1 to 65535"],
  ["invalid_port", "allowedOrigins", { allowedOrigins: [`${app}:`] }, "drop the colon"],

  [
    "insecure_origin_with_credentials",
    "allowedOrigins",
    { allowedOrigins: ["http://example.com"], credentials: true },
    "https",
  ],
  [
    "insecure_origin_with_credentials",
    "allowedOrigins",
    { allowedOrigins: ["http://127.evil.example"], credentials: true },
    "https",
  ],
  ["public_suffix", "allowedOrigins", { allowedOrigins: ["https://*.com"], credentials: true }, "domain that is yours"],
  [
    "public_suffix",
    "allowedOrigins",
    { allowedOrigins: ["https://*.com."], credentials: true },
    "domain that is yours",
  ],
  [
    "public_suffix",
    "allowedOrigins",
    { allowedOrigins: ["https://*.compute.amazonaws.com"], credentials: true },
    "yours",
  ],
  [
    "public_suffix",
    "allowedOrigins",
    { allowedOrigins: ["https://app-*-team.vercel.app"], credentials: true },
    "anyone can register app-x-team.vercel.app",
  ],
  ["public_suffix", "allowedOrigins", { allowedOrigins: ["https://my-*-shop.com"] }, "can register my-x-shop.com"],
  ["public_suffix", "allowedOrigins", { allowedOrigins: ["https://my-*-shop.co.uk"] }, "can register my-x-shop.co.uk"],
  ["public_suffix", "allowedOrigins", { allowedOrigins: ["https://my-*-shop.kobe.jp"] }, "anyone can register"],
  ["public_suffix", "allowedOrigins", { allowedOrigins: ["https://my-*-shop.nosuchtld"] }, "anyone can register"],
  [
    "any_extension",
    "allowedOrigins",
    { allowedOrigins: ["moz-extension://*"], credentials: true },
    "host_permissions in the extension",
  ],

  ["invalid_method", "allowedMethods", { allowedMethods: ["POST GET"] }, "no spaces: POST,GET"],
  ["invalid_method", "allowedMethods", { allowedMethods: [""] }, "one word"],
  ["invalid_method", "allowedMethods", { allowedMethods: ["patch"] }, "PATCH"],
  ["forbidden_method", "allowedMethods", { allowedMethods: ["TRACE"] }, "Remove"],
  ["forbidden_method", "allowedMethods", { allowedMethods: ["connect"] }, "Remove"],
  ["invalid_header", "allowedHeaders", { allowedHeaders: ["x y"] }, "one name per element"],
  ["invalid_header", "allowedHeaders", { allowedHeaders: ['"x-a"'] }, "drop the quotes: x-a"],
  ["invalid_header", "allowedHeaders", { allowedHeaders: ["x-a; x-b"] }, "no spaces: x-a,x-b"],
  ["invalid_method", "allowedMethods", { allowedMethods: ["PUT;PATCH"] }, "no spaces: PUT,PATCH"],
  ["invalid_header", "allowedHeaders", { allowedHeaders: ["'x-a'"] }, "drop the quotes: x-a"],
  ["invalid_header", "exposedHeaders", { exposedHeaders: ['["x-a"'] }, "not JSON: x-a"],
  ["invalid_method", "allowedMethods", { allowedMethods: ['"PUT"'] }, "drop the quotes: PUT"],
  ["invalid_header", "allowedHeaders", { allowedHeaders: [""] }, "one name per element"],
  ["invalid_header", "exposedHeaders", { exposedHeaders: ["x:y"] }, "one name per element"],
  ["forbidden_header", "allowedHeaders", { allowedHeaders: ["Cookie"] }, "Remove"],
  ["forbidden_header", "allowedHeaders", { allowedHeaders: ["Sec-Fetch-Mode"] }, "Remove"],
  ["forbidden_header", "allowedHeaders", { allowedHeaders: ["proxy-authorization"] }, "Remove"],
  ["forbidden_header", "allowedHeaders", { allowedHeaders: ["Origin"] }, "Remove"],
  ["forbidden_header", "exposedHeaders", { exposedHeaders: ["Set-Cookie"] }, "Remove"],
  ["prohibited_header", "allowedHeaders", { allowedHeaders: ["Access-Control-Allow-Origin"] }, "on its own"],
  ["prohibited_header", "exposedHeaders", { exposedHeaders: ["Origin"] }, "on its own"],
  ["prohibited_header", "exposedHeaders", { exposedHeaders: ["Access-Control-Max-Age"] }, "on its own"],
  [
    "wildcard_expose_with_credentials",
    "exposedHeaders",
    { exposedHeaders: ["*"], credentials: true },
    "List the response headers",
  ],
  ["max_age_out_of_bounds", "maxAge", { maxAge: 0 }, "disable"],
  ["max_age_out_of_bounds", "maxAge", { maxAge: -1 }, "disable"],
  ["max_age_out_of_bounds", "maxAge", { maxAge: 86_401 }, "disable"],
  ["max_age_out_of_bounds", "maxAge", { maxAge: 1.5 }, "disable"],
  ["max_age_out_of_bounds", "maxAge", { maxAge: Number.NaN }, "disable"],
  ["invalid_preflight_status", "preflightStatus", { preflightStatus: 302 }, "204"],
];

test.each(incorrect)("%s in %s is found in %j", (reason, option, config, advice) => {
  const compilation = compile({ allowedOrigins: [app], ...config });
  expect(compilation).toMatchObject({ ok: false, mistakes: [{ reason, option }] });
  if (compilation.ok) return;
  expect(compilation.mistakes).toHaveLength(1);
  expect(compilation.mistakes[0]?.message).toContain(advice);
});

test("every configuration reason is found by some case above", () => {
  const listed = reasons.filter((reason) => reason.about === "configuration").map((reason) => reason.code);
  expect(new Set(incorrect.map(([reason]) => reason))).toEqual(new Set(listed));
});

test("all mistakes are reported together, and each message begins with the value", () => {
  const compilation = compile({
    allowedOrigins: ["https://a.example/", "http://b.example", "*"],
    allowedMethods: ["TRACE"],
    allowedHeaders: ["Cookie", "x y"],
    exposedHeaders: ["*"],
    credentials: true,
    maxAge: 100_000,
    preflightStatus: 500,
  });
  expect(compilation.ok ? [] : compilation.mistakes.map(({ reason, value }) => [reason, value])).toEqual([
    ["invalid_origin", "https://a.example/"],
    ["wildcard_origin_with_credentials", "*"],
    ["insecure_origin_with_credentials", "http://b.example"],
    ["forbidden_method", "TRACE"],
    ["forbidden_header", "Cookie"],
    ["invalid_header", "x y"],
    ["wildcard_expose_with_credentials", "*"],
    ["max_age_out_of_bounds", 100_000],
    ["invalid_preflight_status", 500],
  ]);
  for (const mistake of compilation.ok ? [] : compilation.mistakes) {
    expect(mistake.message.startsWith(`${mistake.value}: `)).toBe(true);
  }
});

test("the value that a mistake suggests is accepted", () => {
  const part = fc.constantFrom(
    ..."https:// http:// HTTP:/ ws:// //: app:// moz-extension:// * *. - . a example com localhost [::1] 127.1 :443 :0080 :8443 : / ; , | ' \" [ ( > # ? @ É x://".split(
      " ",
    ),
    " ",
    "\u200b",
  );
  const text = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (value) => {
      const compilation = compile({ allowedOrigins: [value] });
      const [mistake] = compilation.ok ? [] : compilation.mistakes;
      const advised = /: (\S*:\/\/\S+)$/.exec(mistake?.message.slice(value.length) ?? "")?.[1];
      if (advised === undefined) return;
      const corrected = compile({ allowedOrigins: advised.split(",") });
      // Only the list of public suffixes can still refuse it.
      const left = corrected.ok ? [] : corrected.mistakes.filter(({ reason }) => reason !== "public_suffix");
      expect(left).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

const correct: [what: string, config: Partial<CorsConfig>, effective: Partial<Policy>][] = [
  ["an exact origin", {}, { exactOrigins: new Set([app]), originPatterns: [], anyOrigin: false }],
  ["none, which allows nobody", { allowedOrigins: "none" }, { origins: [], anyOrigin: false }],
  ["none as a list", { allowedOrigins: ["none"] }, { origins: [], anyOrigin: false }],
  ["*", { allowedOrigins: "*" }, { anyOrigin: true }],
  ["* in a list", { allowedOrigins: ["*", app] }, { anyOrigin: true }],
  ["an origin named twice", { allowedOrigins: [app, app] }, { exactOrigins: new Set([app]) }],
  ["a host with a final point", { allowedOrigins: ["https://a.example."] }, {}],
  ["an underscore", { allowedOrigins: ["https://pr_1.example.com"] }, {}],
  ["https at an address", { allowedOrigins: ["https://192.168.0.1:8443"] }, {}],
  ["a browser extension", { allowedOrigins: ["safari-web-extension://E7BB-01", "tauri://localhost"] }, {}],
  ["a public suffix without credentials", { allowedOrigins: ["https://*.com"] }, {}],
  ["a pattern in a label with credentials", { allowedOrigins: ["https://pr-*-x.example.com"], credentials: true }, {}],
  ["a pattern in a label and any port", { allowedOrigins: ["http://pr-*-x.localhost:*"], credentials: true }, {}],
  ["a pattern in a label below a customer's domain", { allowedOrigins: ["https://a-*-b.team.vercel.app"] }, {}],
  ["subdomains of localhost with credentials", { allowedOrigins: ["http://*.localhost:*"], credentials: true }, {}],
  [
    "loopback over http with credentials",
    { allowedOrigins: ["http://localhost:*", "http://127.0.0.1:1", "http://[::1]:1"], credentials: true },
    { credentials: true },
  ],
  [
    "http with credentials when overridden",
    { allowedOrigins: ["http://example.com"], credentials: true, allowInsecureOrigins: true },
    { credentials: true },
  ],
  ["http without credentials", { allowedOrigins: ["http://example.com"] }, {}],
  ["an extension with credentials", { allowedOrigins: ["chrome-extension://abc"], credentials: true }, {}],
  [
    "methods as browsers write them",
    { allowedMethods: ["get", "POST", "POST", "PURGE"] },
    { methods: new Set(["GET", "POST", "PURGE"]), allowMethods: "GET, POST, PURGE" },
  ],
  ["any method", { allowedMethods: ["*"] }, { anyMethod: true, allowMethods: "*" }],
  ["any method with credentials", { allowedMethods: ["*"], credentials: true }, { anyMethod: true, allowMethods: "" }],
  [
    "the headers of many tutorials",
    { allowedHeaders: ["Authorization", "Content-Type", "X-Requested-With", "Accept", "Accept-Encoding"] },
    { allowHeaders: "authorization, content-type, x-requested-with, accept, accept-encoding" },
  ],
  ["any header", { allowedHeaders: ["*", "Authorization"] }, { anyHeader: true, allowHeaders: "*, authorization" }],
  [
    "exposed headers less the safelisted",
    { exposedHeaders: ["Content-Type", "X-Foo", "x-foo"] },
    { exposedHeaders: ["x-foo"], exposeHeaders: "x-foo" },
  ],
  ["exposed *", { exposedHeaders: ["x-foo", "*"] }, { exposedHeaders: ["*"], exposeHeaders: "*" }],
  ["a maximum age of a day", { maxAge: 86_400 }, { maxAge: "86400" }],
  ["a maximum age of a second", { maxAge: 1 }, { maxAge: "1" }],
  ["disabled caching", { maxAge: "disable" }, { maxAge: "0" }],
  ["no maximum age", { maxAge: null }, { maxAge: "" }],
  ["status 200", { preflightStatus: 200 }, { preflightStatus: 200 }],
  ["defaults", {}, { preflightStatus: 204, credentials: false, privateNetwork: false, allowMethods: "" }],
];

test.each(correct)("%s is accepted", (_what, config, effective) => {
  expect(compile({ allowedOrigins: [app], ...config })).toMatchObject({ ok: true, policy: effective });
});

const warned: [ConfigurationReason, origin: string, message: string][] = [
  ["public_suffix", "https://*.com", "https://*.com: Name a domain that is yours"],
  ["public_suffix", "https://*.vercel.app", "https://*.vercel.app: Name a domain that is yours"],
  ["public_suffix", "https://app-*-team.vercel.app", "anyone can register app-x-team.vercel.app"],
  ["public_suffix", "https://app-*-team.vercel.app:*", "anyone can register app-x-team.vercel.app"],
  ["any_extension", "moz-extension://*", "host_permissions"],
];

test.each(warned)("%s is a warning about %s without credentials", (reason, origin, message) => {
  const compilation = compile({ allowedOrigins: [app, origin] });
  const warnings = compilation.ok ? compilation.policy.warnings : [];
  expect(warnings).toEqual([
    { reason, option: "allowedOrigins", value: origin, message: expect.stringContaining(message) },
  ]);
  expect(compile({ allowedOrigins: [origin], credentials: true })).toMatchObject({ ok: false, mistakes: [{ reason }] });
});

test("patterns over one's own domain cause no warning", () => {
  const own = ["https://*.example.com", "https://pr-*-x.example.com", "http://a-*-b.localhost:*", "http://localhost:*"];
  expect(compile({ allowedOrigins: own })).toMatchObject({ ok: true, policy: { warnings: [] } });
});
