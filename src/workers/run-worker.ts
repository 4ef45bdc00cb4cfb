import type { Logger } from "pino";
import { developmentSecret } from "../auth/index.ts";
import { readConfig } from "../config/config.ts";
import type { LameDuck } from "../plugins/index.ts";
import { describeFailure } from "../server/failure.ts";
import { openLog } from "../server/log.ts";
import { type Serving, serve } from "../server/serve.ts";
import { Closing } from "../server/shutdown.ts";
import { Primary } from "./index.ts";

/** One of several processes that serve the API: what it is to do, and when to end, the primary says. */
export async function runWorker(): Promise<void> {
  const closing = new Closing();
  let serving: Serving | undefined;
  let log: Logger | undefined;
  const end = async (lameDuck: LameDuck) => {
    log?.info({}, "stopping");
    await serving?.leave(lameDuck);
    const clean = await closing.closeAll();
    await primary.report();
    process.exit(clean ? 0 : 1);
  };
  const primary = new Primary((lameDuck) => void end(lameDuck));
  // Ctrl-C and a closed terminal signal the primary too, which knows what to do.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);

  try {
    const { databaseUrl, port, processes } = await primary.order();
    const config = readConfig(process.env);
    log = openLog(config, { shared: true });
    const trust = config.auth.trust ?? { secret: await developmentSecret(config.dataDir) };
    const scrape = () => primary.scrape();
    serving = await serve({ config, log, databaseUrl, trust, port, processes, closing, scrape });
    // By whoever signals a single worker, or a service manager that signals all processes at once.
    process.once("SIGTERM", () => void end({ lameDuckMs: config.shutdownDelayMs, accepting: true }));
    await primary.serving(serving.port, serving.metrics.registry);
  } catch (error) {
    await closing.closeAll();
    await primary.failed(describeFailure(error));
    process.exit(1);
  }
}
