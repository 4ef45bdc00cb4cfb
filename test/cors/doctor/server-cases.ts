/** Servers that are broken, or right, in one way each, what a page asks of them, and how that ends. */

import type { ServerCase } from "./case-builder.ts";
import { allowHeaders, allowMethods, lists, maxAge, needsPreflight, preflightStatus } from "./preflight-cases.ts";
import { actualReply, allowCredentials, allowOrigin, heads, readableHeaders, redirects } from "./reply-cases.ts";

export const serverCases: readonly ServerCase[] = [
  ...preflightStatus,
  ...allowOrigin,
  ...allowCredentials,
  ...allowMethods,
  ...allowHeaders,
  ...lists,
  ...needsPreflight,
  ...actualReply,
  ...redirects,
  ...heads,
  ...readableHeaders,
  ...maxAge,
];
