import type { Framework } from "./framework.ts";

/** https://github.com/fastify/fastify-cors */
export const fastifyCors: Framework = {
  name: "@fastify/cors",
  names: ["fastify"],
  tried: "Fastify 5.12.8, @fastify/cors 11.4.3",
  signs: [],
  comment: "//",
  policy: `await app.register(cors, { origin: ["{origin}"]{if method}, methods: [{quoted_methods}]{end}{if headers_refused}, allowedHeaders: [{quoted_headers}]{end}{if credentials}, credentials: true{end} });
// before every hook and route; keep the origins and methods that you have`,
  fixes: {},
};
