import { open, readFile } from "node:fs/promises";
import { createFinanceClient, FinanceError, formatMoney, toJson } from "@finance-service/client";

const { API = "http://localhost:9707", TOKEN, INDEX_FILE = "search-index.jsonl" } = process.env;
const words = process.argv.slice(2).flatMap(wordsOf);

/** Transfers by id, ids by word, and the cursor up to which both are complete. */
const transfers = new Map();
const index = new Map();
let cursor;

function wordsOf(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** A line of the file: the transfers of one page of events, and the page's cursor. */
function apply(line) {
  const page = JSON.parse(line);
  for (const transfer of page.transfers) {
    // A later event of a transfer replaces the earlier one; its description never changes.
    transfers.set(transfer.id, transfer);
    for (const word of wordsOf(transfer.description)) index.set(word, (index.get(word) ?? new Set()).add(transfer.id));
  }
  cursor = page.cursor;
}

/** Opens the file for appending, without the part of a line that a crash may have left at its end. */
async function load() {
  const file = await open(INDEX_FILE, "a+");
  const bytes = await readFile(INDEX_FILE);
  const end = bytes.lastIndexOf("\n") + 1;
  for (const line of bytes.toString("utf8", 0, end).split("\n").slice(0, -1)) apply(line);
  return { file, end };
}

function search() {
  const found = words.map((word) => index.get(word) ?? new Set());
  for (const id of found[0]) {
    if (!found.every((ids) => ids.has(id))) continue;
    const { amount, currency, minorUnitDigits, description } = transfers.get(id);
    console.log(id, formatMoney(BigInt(amount), { currency, minorUnitDigits }, { locale: "en-US" }), description);
  }
}

async function follow() {
  const { file, end } = await load();
  await file.truncate(end);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => stop.abort());
  try {
    const finance = createFinanceClient({ baseUrl: API, token: TOKEN });
    for await (const page of finance.events.pages({ cursor, signal: stop.signal })) {
      const changed = page.events.flatMap(({ transfer }) => transfer ?? []);
      const line = JSON.stringify(toJson({ cursor: page.cursor, transfers: changed }));
      // The transfers and the cursor reach the disk together.
      await file.appendFile(`${line}\n`);
      await file.datasync();
      apply(line);
      console.log(`${transfers.size} transfers, ${index.size} words`);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    await file.close();
  }
}

try {
  if (words.length > 0) {
    const { file } = await load();
    await file.close();
    search();
  } else if (TOKEN) {
    await follow();
  } else {
    console.error(
      "usage: TOKEN=... node examples/search-index/search.mjs, or node examples/search-index/search.mjs WORD ...",
    );
    process.exitCode = 2;
  }
} catch (error) {
  console.error(error instanceof FinanceError ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
}
