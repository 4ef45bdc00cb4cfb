/** The React hook of docs/client.md in a real browser: it shows each change, through a lost connection and another account. */
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { samples } from "../client/guide-samples.ts";
import { type FaultyNetwork, openFaultyNetwork } from "../faults/network.ts";
import { launchChromium } from "../setup/chromium.ts";
import { openAccount } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const PAGE = `
  import { QueryClientProvider } from "@tanstack/react-query";
  import { StrictMode, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { queryClient } from "./query";
  import { LiveName } from "./use-events";

  const [first, second] = location.hash.slice(1).split(",").map(BigInt);

  function Page() {
    const [id, setId] = useState(first);
    return <><LiveName id={id} /><button onClick={() => setId(second)}>Second</button></>;
  }

  createRoot(document.body.appendChild(document.createElement("div"))).render(
    <StrictMode><QueryClientProvider client={queryClient}><Page /></QueryClientProvider></StrictMode>,
  );`;

// Inside the project, so that imports of packages resolve.
const directory = join(process.cwd(), "node_modules/.cache/live-hook");

let service: TestService;
let network: FaultyNetwork;
let pages: Server;
let browser: Browser;

beforeAll(async () => {
  service = await startTestService();
  network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(new URL(service.url).port) });
  await mkdir(directory, { recursive: true });
  const files = [...samples, ["page.tsx", PAGE] as const];
  for (const [name, code] of files) {
    await writeFile(join(directory, name), code.replace("http://localhost:9707", `http://127.0.0.1:${network.port}`));
  }
  const { outputFiles } = await build({
    entryPoints: [join(directory, "page.tsx")],
    bundle: true,
    format: "esm",
    jsx: "automatic",
    alias: { "finance-service/client": "./packages/client/src/index.ts" },
    define: { "process.env.NODE_ENV": '"development"' },
    write: false,
  });
  pages = createServer((request, response) => {
    if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(outputFiles[0]?.text);
    else
      response.setHeader("content-type", "text/html").end("<!doctype html><script type=module src=/page.js></script>");
  });
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await network?.close();
  await service?.close();
  pages?.closeAllConnections();
  await new Promise((resolve) => pages.close(resolve));
});

test("it shows each change and its state, and follows one account at a time", async () => {
  const first = await openAccount(service, "alice", { name: "First" });
  const second = await openAccount(service, "alice", { name: "Second" });
  const page = await browser.newPage();
  await page.addInitScript(`sessionStorage.setItem("token", ${JSON.stringify(await service.token("alice"))})`);
  await page.goto(`http://localhost:${(pages.address() as AddressInfo).port}/#${first},${second}`);

  const line = page.locator("p");
  const untilItShows = async (name: string, state: string) => {
    await vi.waitFor(
      async () => expect([await line.innerText(), await line.getAttribute("title")]).toEqual([name, state]),
      { timeout: 20_000, interval: 20 },
    );
  };
  const rename = async (id: string, name: string) => {
    expect((await service.call("UpdateAccount", { id, name })).status).toBe(200);
  };

  await untilItShows("First", "live");
  await rename(first, "Renamed");
  await untilItShows("Renamed", "live");
  network.refuse();
  network.cut();
  await untilItShows("Renamed", "reconnecting");
  await rename(first, "Renamed unseen");
  network.accept();
  await untilItShows("Renamed unseen", "live");

  await page.getByText("Second").click();
  await untilItShows("Second", "live");
  await rename(second, "Also renamed");
  await untilItShows("Also renamed", "live");
  // The feeds of the first account, and of the effect that StrictMode ran twice, have ended.
  await vi.waitFor(() => expect(service.ledger.feed.waiting).toBe(1), { timeout: 20_000 });
});
