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
      const quiet = method !== "POST" && reply.statusCode < 400;
      if (quiet && log.level !== "debug" && log.level !== "trace") return next();
      const fields = {
        method,
        route: routeOptions.url ?? "unmatched",
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
      };
      if (quiet) log.debug(fields, "answered");
      else log.info(fields, "answered");
      next();
    });
    done();
  },
  { name: "access-log", fastify: "5.x" },
);
