/**
 * A Chromium for the browser tests: one that is installed here, or else the one in an npm package.
 *
 * Started with the browser's own rules in full. The package's list of arguments is not used, since it turns off web
 * security and so CORS.
 */
import { access, constants, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packaged from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where Chromium, Chrome and Edge are installed, by platform. */
const INSTALLED: Readonly<Record<string, (environment: Environment) => string[]>> = {
  linux: () => [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/snap/bin/chromium",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/opt/google/chrome/chrome",
    "/usr/bin/microsoft-edge",
  ],
  darwin: ({ HOME = "" }) =>
    ["", HOME].flatMap((home) =>
      ["Google Chrome", "Chromium", "Microsoft Edge"].map(
        (name) => `${home}/Applications/${name}.app/Contents/MacOS/${name}`,
      ),
    ),
  win32: (environment) =>
    ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].flatMap((variable) => {
      const programs = environment[variable];
      const paths = [
        "Google\\Chrome\\Application\\chrome",
        "Chromium\\Application\\chrome",
        "Microsoft\\Edge\\Application\\msedge",
      ];
      return programs === undefined ? [] : paths.map((path) => `${programs}\\${path}.exe`);
    }),
};

const HOW_TO_INSTALL: Readonly<Record<string, string>> = {
  linux: "install one (apt install chromium)",
  darwin: "install Google Chrome (brew install --cask google-chrome)",
  win32: "install Google Chrome (winget install Google.Chrome)",
};

/** Paths to try in this order; only CHROME_PATH if it is set. */
export function chromiumPlaces(platform: string, environment: Environment): string[] {
  const { CHROME_PATH } = environment;
  return CHROME_PATH ? [CHROME_PATH] : (INSTALLED[platform]?.(environment) ?? []);
}

/** Why no browser can run here, and how to get one. */
export function describeLack(platform: string, arch: string, environment: Environment): string {
  const { CHROME_PATH } = environment;
  if (CHROME_PATH) return `CHROME_PATH is ${CHROME_PATH}, which can't be executed`;
  const places = chromiumPlaces(platform, environment).join(", ");
  const remedy = HOW_TO_INSTALL[platform] ?? "install Chromium";
  return (
    `there is no Chromium, Chrome or Edge at ${places || "any known place"}, and the packaged one runs on Linux x64, ` +
    `not on ${platform} ${arch}: ${remedy}, or set CHROME_PATH`
  );
}

/** The same for this machine; undefined if a browser can run. */
export async function chromiumLack(): Promise<string | undefined> {
  return (await findInstalled()) !== undefined || runsPackaged()
    ? undefined
    : describeLack(process.platform, process.arch, process.env);
}

async function findInstalled(): Promise<string | undefined> {
  for (const path of chromiumPlaces(process.platform, process.env)) {
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

function runsPackaged(): boolean {
  return process.platform === "linux" && process.arch === "x64" && !process.env["CHROME_PATH"];
}

/** Blocks requests to anything but the test's own pages. */
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
 * @param args more arguments of its command line.
 * @throws Error that says what was tried when none can run here.
 */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const executablePath = await findInstalled();
  if (executablePath !== undefined) return await launch({ executablePath }, args);
  if (!runsPackaged()) throw new Error(describeLack(process.platform, process.arch, process.env));
  return await launch(await packagedChromium(), args);
}

interface Executable {
  readonly executablePath: string;
  readonly env?: Record<string, string>;
}

async function launch({ executablePath, env }: Executable, args: readonly string[]): Promise<Browser> {
  const options = { executablePath, args: [...QUIET, ...args], ...(env && { env }) };
  return await chromium.launch(options).catch((error: unknown) => {
    throw new Error(`${executablePath} does not start; set CHROME_PATH to one that does`, { cause: error });
  });
}

/** The packaged browser with its libraries, which slim images lack. */
async function packagedChromium(): Promise<Executable> {
  const executablePath = join(UNPACKED, "chromium");
  if (!(await isExecutable(executablePath))) await unpack();
  const PATH = process.env["PATH"] ?? "";
  return { executablePath, env: { PATH, HOME: UNPACKED, LD_LIBRARY_PATH: join(UNPACKED, "al2023/lib") } };
}

/** Test files run in parallel: without a browser each unpacks one into its own directory, and the first renames its own into place. */
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
  // The package unpacks into the temporary directory, and its libraries only on AWS Lambda, by its environment.
  Object.assign(process.env, { TMPDIR: directory, AWS_LAMBDA_JS_RUNTIME: "nodejs22.x" });
  const unpacked = packaged.executablePath();
  // Both have been read.
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
