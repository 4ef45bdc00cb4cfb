import { describe, expect, test } from "vitest";
import { nearestNames, readCommandLine, UsageError } from "../../packages/cors/src/command-line.ts";

const settings = {
  options: {
    origin: { type: "string" },
    header: { type: "string", multiple: true, short: "H" },
    "expires-in": { type: "string", default: "60" },
    json: { type: "boolean", default: false },
    "no-headers": { type: "boolean", default: false },
  },
} as const;

function valuesOf(...args: string[]) {
  const read = readCommandLine(args, settings);
  return read === "help" ? read : { ...read.values };
}

const defaults = { "expires-in": "60", json: false, "no-headers": false };

test.each<[args: string[], values: object]>([
  [[], {}],
  [["--origin", "a", "--json"], { origin: "a", json: true }],
  [["--origin=--json"], { origin: "--json" }],
  [["--origin="], { origin: "" }],
  [["--expires-in", "-5"], { "expires-in": "-5" }],
  [["-H", "a", "-Hb", "--header", "c"], { header: ["a", "b", "c"] }],
])("%j is read", (args, values) => {
  expect(valuesOf(...args)).toEqual({ ...defaults, ...values });
});

test.each([["--help"], ["-h"], ["--orgin", "x", "--help"]])("%j asks for help", (...args) => {
  expect(valuesOf(...args)).toBe("help");
});

test("words are read where they are allowed; after --, with their dashes too", () => {
  const read = readCommandLine(["a", "--json", "--", "--help"], { ...settings, positionals: true });
  expect(read).toMatchObject({ values: { json: true }, positionals: ["a", "--help"] });
});

test.each<[args: string[], problem: string]>([
  [["--orgin", "x"], "there is no option --orgin; did you mean --origin?"],
  [["--orgin=x"], "there is no option --orgin; did you mean --origin?"],
  [["--headers", "x"], "there is no option --headers; did you mean --header?"],
  [["--heders"], "there is no option --heders; did you mean --header?"],
  [["--expires"], "there is no option --expires; did you mean --expires-in?"],
  [["--hlep"], "there is no option --hlep; did you mean --help?"],
  [["--verbose"], "there is no option --verbose"],
  [["--constructor"], "there is no option --constructor"],
  [["-x"], "there is no option -x"],
  [["--origin"], "--origin needs a value"],
  [["--origin", "--json"], "--origin needs a value"],
  [["-H"], "-H needs a value"],
  [["--json=yes"], "--json takes no value"],
  [["--json", "yes"], '"yes" is not expected here'],
])("%j is bad usage", (args, problem) => {
  expect(() => valuesOf(...args)).toThrow(new UsageError(problem));
});

describe("the name that was probably meant", () => {
  const known = ["CORS_ALLOWED_ORIGINS", "CORS_ALLOWED_HEADERS", "CORS_MAX_AGE", "LOG_LEVEL", "PORT"];
  test.each<[name: string, nearest: string[]]>([
    ["CORS_ALLOWED_ORIGIN", ["CORS_ALLOWED_ORIGINS"]],
    ["CORS_ALLOW_ORIGIN", ["CORS_ALLOWED_ORIGINS"]],
    ["CORS_ORIGIN", ["CORS_ALLOWED_ORIGINS"]],
    ["CORS_ALOWED_ORIGNS", ["CORS_ALLOWED_ORIGINS"]],
    ["CORS_ALLOWED", ["CORS_ALLOWED_ORIGINS", "CORS_ALLOWED_HEADERS"]],
    ["CORS_AGE", ["CORS_MAX_AGE"]],
    ["CORS_MAXAGE", ["CORS_MAX_AGE"]],
    ["LOG_LEVLE", ["LOG_LEVEL"]],
    ["PROT", ["PORT"]],
    ["HOST", []],
    ["CORS_METHODS", []],
  ])("%s: %j", (name, nearest) => {
    expect(nearestNames(name, known)).toEqual(nearest);
  });
});
