/**
 * Finds words that native readers stumble over and says what to write instead.
 *
 *     npx tsx tools/plain-english.ts [FOLDER or FILE ...]
 *
 * Without arguments it reads every text file that Git knows. In Markdown it skips code spans, which are names. Exit status: 0
 * if it finds none, 1 if it finds some.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Phrases by what to write instead. Plain ones match whole words in any case; `~` ends a stem. */
const insteadOf: Record<string, readonly string[]> = {
  'a noun: "the caller that", "any client that"': ["whoever", "whomever", "whoso~"],
  'a noun: "the value", "anything that"': ["whatever comes", "whatsoever", "aught", "naught"],
  fix: ["mend", "mends", "mended", "mending", "cure", "cures", "cured", "curing"],
  expire: ["lapse", "lapses", "lapsed", "lapsing"],
  "ignore, or read": ["heed~", "unheeded"],
  again: ["anew", "afresh"],
  until: ["till"],
  "because, or a new sentence": ["for it is", "for they are", "for there is", "for which reason"],
  "the number and its unit": ["so many bytes", "so many milliseconds", "so many calls", "so many times", "so many of"],
  "so that ... not, or in case": ["lest"],
  '"so", or "from this"': [
    "hence",
    "thence",
    "whence",
    "thereof",
    "therein",
    "thereby",
    "whereof",
    "wherein",
    "whereby",
  ],
  on: ["upon"],
  must: ["shall"],
  although: ["albeit"],
  "report, or say": ["hears of it", "tell of", "tells of", "told of"],
};

/** Texts that are not ours to change, or that may name the words. */
const exempt = [
  /^generated\//,
  /^migrations\/000[1-9]/,
  /^test\/conformance\/.*\.json$/,
  /^proto\/release\//,
  /^tools\/plain-english\.ts$/,
  /^test\/plain-english\.test\.ts$/,
  /package-lock\.json$/,
  /^(sbom\.cdx\.json|THIRD-PARTY-NOTICES\.txt)$/,
  /^(packages\/\w+\/)?LICENSE$/,
  /\.(png|jpg|ico|woff2|binpb|pem|der|gz)$/,
];

const patterns = Object.entries(insteadOf).map(([instead, phrases]) => {
  const alternatives = phrases.map((phrase) => (phrase.endsWith("~") ? `${phrase.slice(0, -1)}\\w*` : `${phrase}\\b`));
  return { instead, pattern: new RegExp(`\\b(?:${alternatives.join("|")})`, "gi") };
});

const files = execFileSync("git", ["ls-files", "-z", "--", ...process.argv.slice(2)], { encoding: "utf8" })
  .split("\0")
  .filter((file) => file !== "" && !exempt.some((pattern) => pattern.test(file)));

let count = 0;
for (const file of files) {
  const lines = readFileSync(file, "utf8").split("\n");
  for (const [index, line] of lines.entries()) {
    const prose = file.endsWith(".md") ? line.replaceAll(/`[^`]*`/g, "``") : line;
    for (const { instead, pattern } of patterns) {
      for (const [phrase] of prose.matchAll(pattern)) {
        count++;
        process.stdout.write(`${file}:${index + 1}: "${phrase}"; write ${instead}\n`);
      }
    }
  }
}
process.exitCode = count === 0 ? 0 : 1;
