/**
 * Starts a server that breaks CORS in one way, puts the fix that the doctor prints in its place, and asks the doctor again.
 * Nothing is corrected by hand: the fix stands where the broken setting stood.
 */
import { expect, test } from "vitest";
import { type FrameworkId, frameworks } from "../../../../packages/cors/src/doctor/fixes/index.ts";
import {
  createProbe,
  type Diagnosis,
  diagnose,
  type FailureCode,
  type PageRequest,
  renderJson,
} from "../../../../packages/cors/src/doctor/index.ts";

export const page = "http://localhost:5173";

/** What is wrong with a server. */
export interface Scene {
  readonly name: string;
  readonly fails: FailureCode;
  /** The setting that the fix replaces; empty for none. */
  readonly broken: string;
  /** What surrounds the setting. Default: nothing. */
  readonly rest?: string;
  /** More of the surroundings, which the fix says to remove. Default: nothing. */
  readonly removed?: string;
  /** Default: /api, which answers 200. */
  readonly path?: string;
  /** Default: false. */
  readonly credentials?: boolean;
  /** The status that the page reads in the end. Default: 200. */
  readonly reads?: number;
}

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a server with a setting and what surrounds it. */
export type Start = (setting: string, rest: string, removed: string) => Promise<RunningServer>;

/** A test for each scene of a framework. */
export function testFixes(id: FrameworkId, start: Start, scenes: readonly Scene[]): void {
  test.each(scenes)(`${frameworks[id].name}: $name`, async (scene) => {
    const { broken, rest = "", removed = "", fails } = scene;
    const before = await judge(scene, () => start(broken, rest, removed));
    expect(before.failure?.code, describeSteps(before)).toBe(fails);
    const texts: readonly string[] = JSON.parse(renderJson(before, [])).failure.fixes[id];
    expect(texts).toHaveLength(1);
    const after = await judge(scene, () => start(texts.join("\n"), rest, ""));
    expect(after.allowed, `${texts.join("\n")}\n${describeSteps(after)}`).toBe(true);
    expect(after.reply?.status).toBe(scene.reads ?? 200);
    // A step of this name says that a cache may give the reply to another origin.
    expect(after.steps.map(({ name }) => name)).not.toContain("vary");
  });
}

/** Asks the doctor, and makes sure that no other origin gets in. */
async function judge(scene: Scene, start: () => Promise<RunningServer>): Promise<Diagnosis> {
  const server = await start();
  try {
    const request: PageRequest = {
      url: new URL(`http://127.0.0.1:${server.port}${scene.path ?? "/api"}`),
      origin: page,
      method: "PUT",
      headers: [["x-client", "1"]],
      body: null,
      credentials: scene.credentials === true ? "include" : "same-origin",
    };
    const probe = createProbe({ userAgent: "cors-doctor", timeoutMs: 10_000 });
    const diagnosis = await diagnose(request, probe);
    if (diagnosis.allowed) {
      const stranger = await diagnose({ ...request, origin: "https://evil.example" }, probe);
      expect(stranger.allowed, describeSteps(stranger)).toBe(false);
    }
    return diagnosis;
  } finally {
    await server.stop();
  }
}

function describeSteps({ steps }: Diagnosis): string {
  return steps.map(({ text, exchange }) => `${text} ${JSON.stringify(exchange?.response ?? "")}`).join("\n");
}
