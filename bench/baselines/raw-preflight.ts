/** The least that a Node server can do for a preflight: fixed headers, no decision. */
import { createServer } from "node:http";
import { BENCH_ORIGIN } from "../adapter-caller.ts";
import { serve } from "../serve.ts";

const headers = {
  vary: "Origin",
  "access-control-allow-origin": BENCH_ORIGIN,
  "access-control-allow-methods": "POST",
  "access-control-allow-headers": "authorization, content-type",
  "access-control-max-age": "86400",
};

serve(
  createServer((_request, response) => {
    response.writeHead(204, headers);
    response.end();
  }),
);
