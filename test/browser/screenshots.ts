/** Takes the pictures of README.md and docs/console.md: each page of the console, light and dark, over the demo data. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { runCommand } from "../../packages/cors/src/doctor/index.ts";
import { launchChromium } from "../setup/chromium.ts";
import { watchCalls } from "../setup/console.ts";
import { freePort, startProcess } from "../setup/process.ts";

const DIRECTORY = "docs/images";
const VIEWPORT = { width: 1120, height: 720 };
const QUALITY = 0.85;

const pages: readonly [name: string, fragment: string, shown: string, prepare?: (page: Page) => Promise<void>][] = [
  ["overview", "/", "Balanced"],
  ["accounts", "/accounts", "Alice, everyday"],
  ["account", "/accounts/4", "Drag across the chart"],
  ["statement", "/accounts/4/statement", "Closing balance"],
  ["api-call", "/accounts/4", "Drag across the chart", openCall],
  ["activity", "/activity", "Corner Grocery"],
  ["holds", "/holds", "Hotel"],
  ["transfer", "/transfers/300", "Recorded"],
  ["new-transfer", "/transfer?from=4&to=6", "Corner Grocery", fillAmount],
  ["new-journal", "/journal", "Check the lines", fillJournal],
  ["new-account", "/accounts/new", "Open account"],
  ["connection", "/connection", "A browser lets this page call the API."],
  // Last, because it stays open.
  ["find", "/", "Balanced", find],
];

const HELP = `usage: npm run screenshots

Takes the pictures in docs/images again: each page of the console over the demo data, light and dark. Needs the build.`;

process.exitCode = await runCommand(process.argv.slice(2), { help: HELP, options: {}, run: takePictures });

async function takePictures(): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), "finance-pictures-"));
  const [port, consolePort, browser] = await Promise.all([freePort(), freePort(), launchChromium()]);
  const service = startProcess({
    PORT: `${port}`,
    CONSOLE_PORT: `${consolePort}`,
    DATA_DIR: join(dataDir, "data"),
    LOG_LEVEL: "warn",
  });
  try {
    await service.printed(`http://localhost:${consolePort}`);
    await mkdir(DIRECTORY, { recursive: true });
    for (const theme of ["light", "dark"] as const) {
      const context = await browser.newContext({ locale: "en-US", viewport: VIEWPORT, colorScheme: theme });
      const page = await context.newPage();
      const calls = watchCalls(page);
      await page.goto(`http://localhost:${consolePort}/`);
      await page.getByRole("button", { name: "Use the development token" }).click();
      await page.getByText("Balanced").first().waitFor();
      if (theme === "light") await hold(page);
      for (const [name, fragment, shown, prepare] of pages) {
        await page.evaluate(`window.location.hash = ${JSON.stringify(fragment)}`);
        await page.locator("main").getByText(shown).first().waitFor();
        await prepare?.(page);
        while (calls.pending().some((name) => name !== "ListEvents")) await page.waitForEvent("response");
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
        await writeFile(join(DIRECTORY, `${name}-${theme}.webp`), await toWebp(page, await page.screenshot()));
      }
      await context.close();
    }
  } finally {
    await browser.close();
    service.child.kill("SIGTERM");
    await service.ended;
    await rm(dataDir, { recursive: true, force: true });
  }
  return 0;
}

/** Makes a hold to show. */
async function hold(page: Page): Promise<void> {
  await page.evaluate('window.location.hash = "/transfer?from=4&to=6"');
  await page.getByLabel("Amount in USD").fill("180");
  await page.getByLabel("Description").fill("Hotel");
  await page.getByLabel("Hold it now").check();
  await page.getByRole("button", { name: "Hold", exact: true }).click();
  await page.getByText("Held $180.00").waitFor();
}

async function fillJournal(page: Page): Promise<void> {
  const lines = [
    ["4", "6", "12.50", "Apples"],
    ["5", "6", "30", "Flowers"],
  ] as const;
  for (const [index, [debit, credit, amount, description]] of lines.entries()) {
    const line = page.getByRole("group", { name: `Line ${index + 1}` });
    await line.getByLabel("Debit account").fill(debit);
    await line.getByLabel("Credit account").fill(credit);
    await line.getByLabel("Amount").fill(amount);
    await line.getByLabel("Description").fill(description);
  }
  await page.getByRole("button", { name: "Check the lines" }).click();
  await page.getByRole("button", { name: "Post 2 lines" }).waitFor();
}

async function fillAmount(page: Page): Promise<void> {
  await page.getByLabel("Amount in USD").fill("12.50");
  await page.getByLabel("Description").fill("Apples");
  await page.getByRole("region", { name: "Balances afterwards" }).waitFor();
}

async function openCall(page: Page): Promise<void> {
  await page.getByRole("button", { name: "API call" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "curl", exact: true }).click();
  await page.getByRole("region", { name: "curl" }).waitFor();
}

async function find(page: Page): Promise<void> {
  await page.keyboard.press("/");
  await page.keyboard.type("ali");
  await page.getByRole("option").first().waitFor();
  await page.getByText("Searching…").waitFor({ state: "detached" });
}

/** WebP is a fifth of the size of PNG, and the browser can encode it. */
async function toWebp(page: Page, png: Buffer): Promise<Buffer> {
  const url: string = await page.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob("${png.toString("base64")}"), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", ${QUALITY});
  })()`);
  return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
}
