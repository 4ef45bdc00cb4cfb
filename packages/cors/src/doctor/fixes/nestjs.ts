import type { Framework } from "./framework.ts";

/** https://docs.nestjs.com/security/cors */
export const nestjs: Framework = {
  name: "NestJS",
  names: ["nestjs", "nest"],
  tried: "NestJS 12.5.1 on Express",
  // NestJS runs on Express by default.
  signs: [["x-powered-by", /^Express\b/]],
  comment: "//",
  policy: `app.enableCors({ origin: ["{origin}"]{if method}, methods: [{quoted_methods}]{end}{if headers_refused}, allowedHeaders: [{quoted_headers}]{end}{if credentials}, credentials: true{end} });
// after NestFactory.create(), before app.use() and app.listen(); keep the origins and methods that you have`,
  fixes: {},
};
