import type { Framework } from "./framework.ts";

/** https://github.com/expressjs/cors */
export const expressCors: Framework = {
  name: "Express cors",
  names: ["express"],
  tried: "Express 5.3.0, cors 2.8.6",
  signs: [["x-powered-by", /^Express\b/]],
  comment: "//",
  policy: `app.use(cors({ origin: ["{origin}"]{if method_refused}, methods: [{quoted_methods}]{end}{if headers_refused}, allowedHeaders: [{quoted_headers}]{end}{if credentials}, credentials: true{end} }));
// before every route and every login check; keep the origins that you have`,
  fixes: {},
};
