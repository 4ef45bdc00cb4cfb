/** Servers, each correct or with one mistake, the calls of a page, and their results. */

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
