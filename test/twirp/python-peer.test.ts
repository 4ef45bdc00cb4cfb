import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Fastify from "fastify";
import { describe, expect, test } from "vitest";
import { twirp } from "../../src/twirp/index.ts";
import { financeStandIn } from "./finance-stand-in.ts";
import { listenOn } from "./serve.ts";

const PROGRAM = fileURLToPath(new URL("python-peer.py", import.meta.url));

function hasPython(): boolean {
  try {
    execFileSync("python3", ["-c", "import json, urllib.request"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasPython())("a client in Python (skipped where there is no python3)", () => {
  test("gets replies and errors in JSON and in protobuf", async () => {
    const app = Fastify();
    await app.register(twirp, { services: [financeStandIn()] });
    const port = await listenOn(app);
    try {
      const { stdout } = await promisify(execFile)("python3", [PROGRAM, `http://127.0.0.1:${port}`]);
      const error = { code: "not_found", msg: "no account -4", meta: { resource: "account" } };
      expect(
        stdout
          .trim()
          .split("\n")
          .map((line): unknown => JSON.parse(line)),
      ).toEqual([
        [200, "application/json", "9007199254740993", "caffè ☕", { team: "a" }],
        [200, "application/protobuf", "4611686018427387904", "caffè ☕"],
        [404, "application/json", error],
        [404, "application/json", error],
      ]);
    } finally {
      await app.close();
    }
  });
});
