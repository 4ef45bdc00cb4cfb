import type { Framework } from "./framework.ts";

/** https://github.com/rs/cors */
export const rsCors: Framework = {
  name: "rs/cors (Go)",
  names: ["go"],
  tried: "rs/cors 1.7.0, Go 1.19",
  signs: [],
  comment: "//",
  policy: `handler := cors.New(cors.Options{AllowedOrigins: []string{"{origin}"}{if method}, AllowedMethods: []string{{quoted_methods}}{end}{if headers}, AllowedHeaders: []string{{quoted_headers}}{end}{if credentials}, AllowCredentials: true{end}}).Handler(mux)
// serve this handler; mux is everything else, logins and redirects too; keep the origins, methods and headers that you have`,
  fixes: {},
};
