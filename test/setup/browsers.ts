/** Every browser that is installed here, driven alike. */
import { launchChromium } from "./chromium.ts";
import { findFirefox, launchFirefox } from "./firefox.ts";

/** A browser that runs async functions, given as source, in pages; argument and result travel as JSON. */
export interface TestBrowser {
  newPage(): Promise<{
    goto(url: string): Promise<unknown>;
    evaluate(source: string, argument: unknown): Promise<unknown>;
    close(): Promise<void>;
  }>;
  close(): Promise<void>;
}

const firefox = await findFirefox();
export const browsers: [name: string, launch: (() => Promise<TestBrowser>) | undefined][] = [
  [
    "Chromium",
    async () => {
      const chromium = await launchChromium();
      return {
        newPage: async () => {
          const context = await chromium.newContext();
          const page = await context.newPage();
          return {
            goto: (url) => page.goto(url),
            evaluate: (source, argument) => page.evaluate(`(${source})(${JSON.stringify(argument)})`),
            close: () => context.close(),
          };
        },
        close: () => chromium.close(),
      };
    },
  ],
  [
    firefox === undefined ? "Firefox (not installed here: set FIREFOX_PATH)" : "Firefox",
    firefox === undefined ? undefined : () => launchFirefox(firefox),
  ],
];
