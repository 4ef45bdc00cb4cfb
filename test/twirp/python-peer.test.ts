import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Fastify from "fastify";
import { describe, expect, test } from "vitest";
import { twirp } from "../../packages/twirp/src/index.ts";
import { financeStandIn } from "./finance-stand-in.ts";
import { listenOn } from "./serve.ts";

const run = promisify(execFile);

const PROGRAM = fileURLToPath(new URL("python-peer.py", import.meta.url));
const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** The Python that has protobuf's runtime: a system's package brings it to the system's own. */
const PYTHON = ["/usr/bin/python3", "python3"].find((python) => succeeds(python, "-c", "import google.protobuf"));

function succeeds(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(PYTHON === undefined || !succeeds("protoc", "--version"))(
  "a client in Python (skipped without protoc and Python's protobuf)",
  () => {
    test("gets replies and errors in JSON and in protobuf, on messages generated from the same API", async () => {
      const messages = await mkdtemp(join(tmpdir(), "python-peer-"));
      const app = Fastify();
      await app.register(twirp, { services: [financeStandIn()] });
      const port = await listenOn(app);
      try {
        const files = ["account", "transfer"].map((name) => `finance/v1/${name}.proto`);
        const image = join(messages, "image.binpb");
        await run("node_modules/.bin/buf", ["build", "-o", image], { cwd: REPOSITORY });
        await run("protoc", [`--descriptor_set_in=${image}`, `--python_out=${messages}`, ...files]);
        const { stdout } = await run(PYTHON ?? "", [PROGRAM, `http://127.0.0.1:${port}`, messages]);
        const account = {
          id: "4611686018427387904",
          name: "caffè ☕",
          type: "ACCOUNT_TYPE_ASSET",
          balance: "9007199254740993",
          metadata: { team: "a" },
        };
        const error = { code: "not_found", msg: "no account -4", meta: { resource: "account" } };
        const transfer = {
          id: "1",
          debit_account_id: "1",
          credit_account_id: "2",
          amount: "9223372036854775807",
          metadata: { a: "1", caffè: "☕" },
        };
        expect(
          stdout
            .trim()
            .split("\n")
            .map((line): unknown => JSON.parse(line)),
        ).toEqual([
          [200, "application/json", account],
          [200, "application/protobuf", account],
          [404, "application/json", error],
          [404, "application/json", error],
          [200, "application/json", transfer],
          [200, "application/protobuf", transfer],
        ]);
      } finally {
        await app.close();
        await rm(messages, { recursive: true });
      }
    });
  },
);
