import { expect, test } from "vitest";
import { chromiumPlaces, describeLack } from "./setup/chromium.ts";

test.each<[platform: string, environment: Record<string, string>, place: string]>([
  ["linux", {}, "/usr/bin/chromium"],
  ["darwin", { HOME: "/Users/a" }, "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
  ["darwin", { HOME: "/Users/a" }, "/Users/a/Applications/Chromium.app/Contents/MacOS/Chromium"],
  ["win32", { PROGRAMFILES: "C:\\Programs" }, "C:\\Programs\\Google\\Chrome\\Application\\chrome.exe"],
  ["win32", { "PROGRAMFILES(X86)": "C:\\x86" }, "C:\\x86\\Microsoft\\Edge\\Application\\msedge.exe"],
  ["win32", { LOCALAPPDATA: "C:\\Users\\a" }, "C:\\Users\\a\\Google\\Chrome\\Application\\chrome.exe"],
])("on %s, with %j, a browser is looked for at %s", (platform, environment, place) => {
  expect(chromiumPlaces(platform, environment)).toContain(place);
});

test("CHROME_PATH is the only place where it is set", () => {
  expect(chromiumPlaces("darwin", { CHROME_PATH: "/opt/chrome" })).toEqual(["/opt/chrome"]);
});

test.each([
  [
    "darwin",
    "arm64",
    {},
    /\/Applications\/Google Chrome.*not on darwin arm64: install Google Chrome \(brew .*CHROME_PATH$/,
  ],
  ["win32", "x64", {}, /not on win32 x64: install Google Chrome \(winget .*CHROME_PATH$/],
  ["linux", "arm64", {}, /\/usr\/bin\/chromium.*not on linux arm64: install one \(apt install chromium\)/],
  ["freebsd", "x64", {}, /any known place.*install Chromium, or set CHROME_PATH$/],
  ["linux", "x64", { CHROME_PATH: "/nowhere" }, /^CHROME_PATH is \/nowhere, which can't be executed$/],
])("without one on %s %s it is said what to install", (platform, arch, environment, expected) => {
  expect(describeLack(platform, arch, environment)).toMatch(expected);
});
