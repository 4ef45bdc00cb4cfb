/** What to change, which depends on the failure and its cause. The names are also those of the texts of a framework. */
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

/** How to fix CORS in one framework or server. The placeholders of the texts are those of explanations.ts. */
export interface Framework {
  /** For people. */
  readonly name: string;
  readonly fixes: { readonly [Kind in FixKind]: string };
}
