import type { Framework } from "./framework.ts";

/** https://hono.dev/docs/middleware/builtin/cors */
export const hono: Framework = {
  name: "Hono",
  names: ["hono"],
  tried: "Hono 4.13.19",
  signs: [],
  comment: "//",
  policy: `app.use(cors({ origin: ["{origin}"]{if method_refused}, allowMethods: [{quoted_methods}]{end}{if headers_refused}, allowHeaders: [{quoted_headers}]{end}{if credentials}, credentials: true{end} }));
// from "hono/cors", before every route and every login check; keep the origins that you have`,
  fixes: {},
};
