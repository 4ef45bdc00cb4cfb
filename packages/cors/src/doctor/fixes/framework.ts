/** What to change, which depends on the failure and its cause. */
export type FixKind =
  | "allow_origin"
  /** The origins are in one header as a list. */
  | "origin_list"
  | "allow_credentials"
  /** The origin must be named, because * does not cover credentials. */
  | "origin_with_credentials"
  | "allow_method"
  /** An element of the list of methods is not a method. */
  | "valid_methods"
  | "allow_header"
  /** An element of the list of headers is not a header name. */
  | "valid_headers"
  /** The header authorization must be named, because * does not cover it. */
  | "name_authorization"
  /** Only one program may send the CORS headers. */
  | "one_layer"
  | "answer_preflight"
  | "preflight_redirect"
  | Cause;

/** The cause of a failure, when the fix differs from the usual one for its code. */
export type Cause =
  /** The preflight is redirected to a login. */
  | "login_before_preflight"
  /** The request itself is redirected to a login. */
  | "login"
  /** The request is redirected elsewhere, by a reply without the header. */
  | "redirect"
  /** The reply is an error, without the header. */
  | "error"
  /** The preflight allowed the page, but the reply to the call lacks the header. */
  | "preflight_elsewhere";

/** A text for every server, and one for this service if it has a better one. */
export interface GeneralFix {
  readonly other: string;
  readonly financeService?: string;
}

/** How to fix CORS in one framework or server. placeholders.ts lists the placeholders of the texts. */
export interface Framework {
  /** For people. */
  readonly name: string;
  /** For the command line, besides those above; the help shows the first. */
  readonly names: readonly [string, ...string[]];
  /** The versions with which a test applied the fixes; null: the fixes follow the documentation and were not run. */
  readonly tried: string | null;
  /** Response headers that only this framework sends: the name in lower case, and a pattern for the value. */
  readonly signs: readonly (readonly [name: string, value: RegExp])[];
  /** What begins a comment. */
  readonly comment: "//" | "#";
  /** Code that allows the page all that it asks, and where to put it. */
  readonly policy: string;
  /** Default: as in {@link commonFixes}, or else the policy. */
  readonly fixes: { readonly [Kind in FixKind]?: string };
}

/** The fixes in terms of a framework's policy. */
export const commonFixes: Framework["fixes"] = {
  origin_list: "{policy}\n{comment} the header holds one origin, that of the request",
  one_layer:
    "{policy}\n{comment} in this place only: remove every other line that sets Access-Control-*, in proxies too",
  preflight_redirect: "{policy}\n{comment} before the redirect; or call the final URL",
  login_before_preflight: "{policy}\n{comment} before the login; oauth2-proxy has --skip-auth-preflight",
  login: "answer 401 with the CORS headers instead of the redirect; let the page open the login",
  redirect: "{policy}\n{comment} before the redirect; or call the redirect's target",
  error: "{policy}\n{comment} before everything that can fail; then find the cause of the {status}",
  preflight_elsewhere: "{policy}\n{comment} for every method, not for OPTIONS alone",
};
