/** Our own service is what its expectations files say, checked by the doctor as in a pipeline. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { type Haproxy, hasHaproxy, startHaproxy } from "../setup/haproxy.ts";
import { freePort } from "../setup/process.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService | undefined;
let proxy: Haproxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  await service?.close();
  [proxy, service] = [undefined, undefined];
});

interface Run {
  readonly status: number;
  readonly output: string;
}

async function compare(file: string, url: string): Promise<Run> {
  const path = `${url}/twirp/finance.v1.FinanceService/GetAccount`;
  return await new Promise((resolve) => {
    const args = ["dist/cli/doctor.js", "--expect", `test/deploy/expectations/${file}`, path];
    execFile(process.execPath, args, { env: { PATH: process.env["PATH"] } }, (error, output, errors) => {
      resolve({ status: error === null ? 0 : Number(error.code), output: `${output}${errors}` });
    });
  });
}

const right = { status: 0, output: expect.stringMatching(/(\d+) of \1 cases are as expected/) };

test("with the policy of development", async () => {
  service = await startTestService({ CORS_ALLOWED_ORIGINS: "" });
  expect(await compare("development.json", service.url)).toEqual(right);
});

test("another policy differs", async () => {
  service = await startTestService({ CORS_ALLOWED_ORIGINS: "https://app.example.com" });
  const { status, output } = await compare("development.json", service.url);
  expect(status).toBe(1);
  expect(output).toContain("cases[0]: expected allowed, but it is refused: allow_origin_missing");
});

describe.skipIf(!hasHaproxy && process.env["CI"] === undefined)(
  "behind HAProxy (skipped where it is not installed)",
  () => {
    test("with the policy of the compose files, also while no process of the service runs", async () => {
      const compose = parse(await readFile("docker-compose.yml", "utf8"), { merge: true });
      const [, origins = ""] = /:-(.*)\}$/.exec(compose.services.api.environment.CORS_ALLOWED_ORIGINS) ?? [];
      service = await startTestService({ CORS_ALLOWED_ORIGINS: origins, TRUST_PROXY: "loopback" });
      proxy = await startHaproxy(await freePort(), [Number(new URL(service.url).port)], { allowedOrigins: origins });
      const { url } = proxy;
      await vi.waitUntil(
        () =>
          fetch(url)
            .then(({ status }) => status !== 503)
            .catch(() => false),
        { timeout: 10_000 },
      );
      expect(await compare("compose.json", url)).toEqual(right);
      await service.close();
      service = undefined;
      await vi.waitUntil(() => fetch(url).then(({ status }) => status === 503), { timeout: 10_000 });
      expect(await compare("compose.json", url)).toEqual(right);
    });
  },
);
