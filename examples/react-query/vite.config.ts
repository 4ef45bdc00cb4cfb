import { execFileSync } from "node:child_process";
import type { ServerResponse } from "node:http";
import { defineConfig } from "vite";

/** Stands for your backend, which gives a signed-in user short-lived tokens. */
function giveToken(_request: unknown, response: ServerResponse): void {
  response.end(
    execFileSync("node", ["dist/cli/token.js", "--sub", "alice", "--expires-in", "60"], { encoding: "utf8" }).trim(),
  );
}

export default defineConfig({
  plugins: [
    { name: "session", configureServer: ({ middlewares }) => void middlewares.use("/session/token", giveToken) },
  ],
});
