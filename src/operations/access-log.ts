import fp from "fastify-plugin";

/**
 * One line per answered request: what was asked for, the status and how long it took. Never bodies, tokens or queries.
 *
 * Probes, scrapes and preflights that succeed say nothing: they are logged at debug.
 */
export const accessLog = fp(
  (app, _options, done) => {
    app.addHook("onResponse", (request, reply, next) => {
      const { method, routeOptions, log } = request;
      const route = routeOptions.url ?? "unmatched";
      const fields = {
        method,
        route,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
      };
      if (method !== "POST" && reply.statusCode < 400) log.debug(fields, "answered");
      else log.info(fields, "answered");
      next();
    });
    done();
  },
  { name: "access-log", fastify: "5.x" },
);
