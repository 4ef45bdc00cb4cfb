/**
 * A Chromium for the browser tests: one that is installed here, or else the one in an npm package.
 *
 * Started with the browser's own rules in full. The package's list of arguments is of no use here: it turns off web
 * security, and with it CORS.
 */
import { access, constants, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packaged from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

const INSTALLED = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Nothing but the test's own pages may be asked for. */
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-sync",
  "--no-first-run",
];

const UNPACKED = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../node_modules/.cache",
  `chromium-${process.platform}-${process.arch}`,
);

/**
 * Starts a headless Chromium; close it after use.
 *
 * Prefers CHROME_PATH, then an installed Chromium or Chrome, then the packaged one (Linux on x64 only).
 *
 * @throws Error that says what was tried when none can run here.
 */
export async function launchChromium(): Promise<Browser> {
  const { CHROME_PATH } = process.env;
  const installed = CHROME_PATH ? [CHROME_PATH] : INSTALLED;
  for (const executablePath of installed) {
    if (await isExecutable(executablePath)) return await launch({ executablePath });
  }
  if (CHROME_PATH) throw new Error(`CHROME_PATH is ${CHROME_PATH}, which can't be executed`);
  if (process.platform !== "linux" || process.arch !== "x64") {
    const here = `${process.platform} on ${process.arch}`;
    throw new Error(
      `no Chromium at ${installed.join(", ")}, and the packaged one does not run on ${here}: set CHROME_PATH`,
    );
  }
  return await launch(await packagedChromium());
}

/** Whether this machine has a browser for the tests: an installed one, or the packaged one's platform. */
export async function hasChromium(): Promise<boolean> {
  const { CHROME_PATH } = process.env;
  const installed = await Promise.all((CHROME_PATH ? [CHROME_PATH] : INSTALLED).map(isExecutable));
  return installed.includes(true) || (process.platform === "linux" && process.arch === "x64");
}

interface Executable {
  readonly executablePath: string;
  readonly env?: Record<string, string>;
}

async function launch({ executablePath, env }: Executable): Promise<Browser> {
  const options = { executablePath, args: QUIET, ...(env && { env }) };
  return await chromium.launch(options).catch((error: unknown) => {
    throw new Error(`${executablePath} does not start; set CHROME_PATH to one that does`, { cause: error });
  });
}

/** The packaged browser with the libraries that it was built with: a slim image has none of them. */
async function packagedChromium(): Promise<Executable> {
  const executablePath = join(UNPACKED, "chromium");
  if (!(await isExecutable(executablePath))) await unpack();
  const PATH = process.env["PATH"] ?? "";
  return { executablePath, env: { PATH, HOME: UNPACKED, LD_LIBRARY_PATH: join(UNPACKED, "al2023/lib") } };
}

/** Test files run in parallel: each that finds nothing unpacks aside, and whoever is first puts it in place. */
async function unpack(): Promise<void> {
  await mkdir(dirname(UNPACKED), { recursive: true });
  const aside = await mkdtemp(`${UNPACKED}-`);
  try {
    await unpackInto(aside);
    await rename(aside, UNPACKED);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    if (!(await isExecutable(join(UNPACKED, "chromium")))) throw error;
  }
}

async function unpackInto(directory: string): Promise<void> {
  const before = { ...process.env };
  // The package unpacks into the temporary directory, and its libraries only where it believes itself to be on Lambda.
  Object.assign(process.env, { TMPDIR: directory, AWS_LAMBDA_JS_RUNTIME: "nodejs22.x" });
  const unpacked = packaged.executablePath();
  // Both were read by now.
  for (const name of ["TMPDIR", "AWS_LAMBDA_JS_RUNTIME"]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  await unpacked;
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
