/** The doctor as a page: reads what people paste or drop, and shows the verdict. It never opens a connection. */

import { explainLine } from "../doctor/console-text.ts";
import { HarError, readHar } from "../doctor/har.ts";
import { PageRequestError } from "../doctor/page-request.ts";
import { judgeHar } from "../doctor/recorded-calls.ts";
import { element } from "./elements.ts";
import { type CallFields, guessFields, isUnclear, judgePasted } from "./pasted-call.ts";
import { type PastedExchange, readHeads } from "./pasted-heads.ts";
import { frameworkNames, showHar, showMessages, showPasted } from "./report.ts";

/** What was given, and how to show its verdict for a framework. */
type Source =
  | { readonly kind: "heads"; readonly exchanges: readonly PastedExchange[] }
  | { readonly kind: "other"; readonly show: (framework: Framework | null) => HTMLElement[] };

type Framework = (typeof frameworkNames)[number][0];

function find<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`#${id} is missing`);
  return found;
}

const text = find("text", HTMLTextAreaElement);
const file = find("file", HTMLInputElement);
const form = find("call", HTMLFormElement);
const answering = find("answering", HTMLLabelElement);
const choice = find("choice", HTMLParagraphElement);
const framework = find("framework", HTMLSelectElement);
const results = find("results", HTMLElement);
const said = find("said", HTMLParagraphElement);
const hint = find("hint", HTMLSpanElement);
const fields = {
  origin: find("origin", HTMLInputElement),
  url: find("url", HTMLInputElement),
  method: find("method", HTMLInputElement),
  headers: find("headers", HTMLInputElement),
};
const answers = find("answers", HTMLSelectElement);
const credentials = find("credentials", HTMLInputElement);

const dropHint = hint.textContent;

let source: Source | null = null;

const startOfHead = /^(?:[<>] )?(?:HTTP\/\d|[A-Z]+ \S+ HTTP\/\d)/m;

function readText(given: string): Source | null {
  if (given.trim() === "") return null;
  if (given.trimStart().startsWith("{")) return readRecording(given);
  const messages = startOfHead.test(given) ? [] : explainLine(given);
  if (messages.length > 0) return { kind: "other", show: (chosen) => showMessages(messages, chosen) };
  const exchanges = readHeads(given);
  if (exchanges.length > 0) return { kind: "heads", exchanges };
  return complaint(
    /^\s*curl\s/.test(given)
      ? "Run this command with -i, and paste what it prints."
      : "This is no console line, no head of a request or response and no HAR that the doctor knows.",
  );
}

function readRecording(given: string): Source {
  try {
    const report = judgeHar(readHar(given));
    return { kind: "other", show: (chosen) => showHar(report, chosen) };
  } catch (error) {
    if (!(error instanceof HarError)) throw error;
    return complaint(error.message);
  }
}

function complaint(message: string): Source {
  return { kind: "other", show: () => [element("p", { class: "complaint" }, message)] };
}

/** Takes what was given, and fills in what it says about the call. */
function take(next: Source | null): void {
  source = next;
  form.hidden = next?.kind !== "heads";
  if (next?.kind === "heads") {
    const guessed = guessFields(next.exchanges);
    for (const [name, input] of Object.entries(fields)) input.value = guessed[name as keyof typeof fields];
    credentials.checked = guessed.credentials;
    answers.value = guessed.answers;
    answering.hidden = !isUnclear(next.exchanges);
  }
  show();
}

function readForm(): CallFields {
  return {
    origin: fields.origin.value,
    url: fields.url.value,
    method: fields.method.value,
    headers: fields.headers.value,
    credentials: credentials.checked,
    answers: answers.value === "preflight" ? "preflight" : "call",
  };
}

function show(): void {
  const chosen = frameworkNames.find(([id]) => id === framework.value)?.[0] ?? null;
  results.replaceChildren(...(source === null ? [] : verdictFor(source, chosen)));
  choice.hidden = results.querySelector("h3") === null;
  // Only the verdict is read out: the whole report would be too long.
  const verdict = results.querySelector("h2, p")?.textContent ?? "";
  if (said.textContent !== verdict) said.textContent = verdict;
}

function verdictFor(given: Source, chosen: Framework | null): HTMLElement[] {
  if (given.kind !== "heads") return given.show(chosen);
  try {
    return showPasted(judgePasted(given.exchanges, readForm()), chosen);
  } catch (error) {
    if (!(error instanceof PageRequestError)) throw error;
    return [element("p", { class: "complaint" }, error.message)];
  }
}

function takeText(): void {
  file.value = "";
  hint.textContent = dropHint;
  take(readText(text.value));
}

/** Large files never get into the text field, which would be slow. */
async function takeFile(given: File | undefined): Promise<void> {
  if (given === undefined) return;
  text.value = "";
  hint.textContent = given.name;
  // A folder cannot be read, and neither can a file that is longer than a string may be.
  const content = await given.text().catch(() => null);
  take(content === null ? complaint("The browser cannot read this file.") : readRecording(content));
}

const examples: Readonly<Record<string, string>> = {
  line: `Access to fetch at 'https://api.example.com/orders' from origin 'http://localhost:5173' has been blocked by CORS policy: Response to preflight request doesn't pass access control check: No 'Access-Control-Allow-Origin' header is present on the requested resource.`,
  heads: `OPTIONS /orders HTTP/1.1
Host: api.example.com
Origin: http://localhost:5173
Access-Control-Request-Method: PUT
Access-Control-Request-Headers: authorization,content-type

HTTP/1.1 204 No Content
Access-Control-Allow-Origin: http://localhost:3000
Access-Control-Allow-Methods: GET, POST
Access-Control-Allow-Headers: content-type`,
};

framework.append(...frameworkNames.map(([id, name]) => element("option", { value: id }, name)));
text.addEventListener("input", takeText);
file.addEventListener("change", () => takeFile(file.files?.[0]));
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
framework.addEventListener("change", show);
find("clear", HTMLButtonElement).addEventListener("click", () => {
  text.value = "";
  takeText();
  text.focus();
});
for (const button of document.querySelectorAll<HTMLButtonElement>("[data-example]")) {
  button.addEventListener("click", () => {
    text.value = examples[button.dataset["example"] ?? ""] ?? "";
    takeText();
  });
}
// Otherwise the browser would open the file in place of this page.
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  const dropped = event.dataTransfer?.files[0];
  if (dropped === undefined) return;
  event.preventDefault();
  void takeFile(dropped);
});
