/**
 * `npm run dev`: the service and the console, reloaded on every change.
 *
 * esbuild bundles the service again after each save and a new process replaces the old one; a bundle with errors replaces
 * nothing. Vite serves the console with hot reload on an origin of its own, as `npm start` serves the built one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { resolve } from "node:path";
import { styleText } from "node:util";
import { context, type Plugin } from "esbuild";
import { pino } from "pino";
import { createServer, type ViteDevServer } from "vite";
import { developmentSecret } from "../src/auth/index.ts";
import { type Config, readConfig } from "../src/config/config.ts";
import { buildConsole } from "../src/server/console.ts";
import { developmentTokens } from "../src/server/greeting.ts";
import { apiPlace, checkFree, consolePlace } from "../src/server/listening.ts";
import { describeFailure } from "../src/start-error.ts";

const BUNDLE = "dist/dev/main.js";

try {
  const config = readConfig(process.env);
  await checkFree(apiPlace(config, config.port));
  const pages = config.consolePort === undefined ? undefined : await serveConsole(config, config.consolePort);
  const service = await watchService();
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, async () => {
      // A terminal and npm may both send the signal.
      if (stopping) return;
      stopping = true;
      await Promise.all([service.stop(), pages?.close()]);
      process.exit(0);
    });
  }
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exit(1);
}

/** Bundles the service again after each change, and runs the latest bundle that has no errors. */
async function watchService(): Promise<{ stop(): Promise<void> }> {
  let child: ChildProcess | undefined;
  let restarting = Promise.resolve();
  let stopped = false;

  async function end(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  async function restart(): Promise<void> {
    if (child !== undefined) say("restarting the service");
    await end();
    if (stopped) return;
    child = spawn(process.execPath, ["--enable-source-maps", BUNDLE], {
      // The console comes from Vite.
      env: { ...process.env, CONSOLE_PORT: "off" },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // Ctrl-C reaches a terminal's whole process group. The service must get one signal only: it takes a second one as
      // "stop at once", and would leave its PostgreSQL behind.
      detached: true,
    });
    child.once("exit", (code) => {
      if (code !== 0 && !stopped) say(`the service ended with status ${code}; save a file to start it again`);
    });
  }
  const restartAfterBuild: Plugin = {
    name: "restart",
    setup({ onEnd }) {
      onEnd(({ errors }) => {
        if (errors.length === 0) restarting = restarting.then(restart);
      });
    },
  };
  const bundler = await context({
    entryPoints: ["src/main.ts"],
    outfile: BUNDLE,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    sourcemap: true,
    logLevel: "warning",
    // Ends the service when this process is killed.
    banner: { js: 'process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));' },
    plugins: [restartAfterBuild],
  });
  await bundler.watch();
  return {
    async stop() {
      stopped = true;
      await bundler.dispose();
      await restarting;
      await end();
    },
  };
}

/** Serves the console's sources; the calls of its pages go to the API's own origin. */
async function serveConsole(config: Config, port: number): Promise<ViteDevServer> {
  // Without CONSOLE_PORT, any free port will do.
  const strictPort = Boolean(process.env["CONSOLE_PORT"]);
  if (strictPort) await checkFree(consolePlace(config.host, port));
  const trust = config.auth.trust ?? { secret: await developmentSecret(config.dataDir) };
  const tokens = await developmentTokens(config, trust);
  const settings = await buildConsole({
    root: resolve("web"),
    log: pino({ level: "warn" }),
    api: config.consoleApiUrl === undefined ? { port: config.port } : { url: config.consoleApiUrl },
    twirpPrefix: config.twirpPrefix,
    developmentToken: tokens?.admin,
  });
  await settings.ready();
  const answerSettings = (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    if (request.url === "/settings.json" || request.url === "/diagnosis.json") settings.routing(request, response);
    else next();
  };
  const pages = await createServer({
    root: resolve("web"),
    configFile: "web/vite.config.ts",
    clearScreen: false,
    plugins: [{ name: "settings", configureServer: ({ middlewares }) => void middlewares.use(answerSettings) }],
    server: {
      host: config.host === "127.0.0.1" ? "localhost" : config.host,
      port,
      strictPort,
    },
  });
  await pages.listen();
  say(`console, reloaded on change: ${pages.resolvedUrls?.local[0] ?? pages.resolvedUrls?.network[0]}`);
  return pages;
}

function say(line: string): void {
  process.stdout.write(`${styleText("cyan", "dev")} ${line}\n`);
}
