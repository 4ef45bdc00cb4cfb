import { createHmac } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { createFinanceClient, EventType, FinanceError, toJson } from "@finance-service/client";

const {
  API = "http://localhost:9707",
  TOKEN,
  WEBHOOK_URL,
  WEBHOOK_SECRET,
  CURSOR_FILE = "webhook.cursor",
} = process.env;
if (!TOKEN || !WEBHOOK_URL || !WEBHOOK_SECRET?.startsWith("whsec_")) {
  console.error("usage: TOKEN=... WEBHOOK_URL=https://... WEBHOOK_SECRET=whsec_... node examples/webhook/send.mjs");
  process.exit(2);
}
const key = Buffer.from(WEBHOOK_SECRET.slice("whsec_".length), "base64");

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => stop.abort());

/** The request of an event, signed as https://github.com/standard-webhooks/standard-webhooks describes. */
function requestOf(event) {
  // As transfer.posted.
  const type = EventType[event.type].replace("EVENT_TYPE_", "").replace("_", ".").toLowerCase();
  const body = JSON.stringify({ type, timestamp: event.createdAt, data: toJson(event) });
  // The same for every attempt, also after a restart: the receiver ignores an id that it has seen.
  const id = `evt_${event.id}`;
  const timestamp = `${Math.floor(Date.now() / 1000)}`;
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
  return { method: "POST", headers, body, redirect: "error" };
}

/** Tries until the receiver answers 2xx, so that events arrive in order. */
async function deliver(event) {
  for (let delayMs = 500; ; delayMs = Math.min(delayMs * 2, 60_000)) {
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(15_000)]);
    const failure = await fetch(WEBHOOK_URL, { ...requestOf(event), signal }).then(
      ({ ok, status }) => (ok ? undefined : `status ${status}`),
      (error) => error.cause?.message ?? error.message,
    );
    if (failure === undefined) return;
    stop.signal.throwIfAborted();
    console.error(`event ${event.id}: ${failure}; trying again`);
    await pause(delayMs * (0.5 + Math.random() / 2), undefined, { signal: stop.signal });
  }
}

/** A crash leaves the old cursor or the new one, never half of it. */
async function saveCursor(cursor) {
  await writeFile(`${CURSOR_FILE}.new`, cursor, { flush: true });
  await rename(`${CURSOR_FILE}.new`, CURSOR_FILE);
}

async function loadCursor() {
  return await readFile(CURSOR_FILE, "utf8").catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
}

const finance = createFinanceClient({ baseUrl: API, token: TOKEN });
try {
  for await (const event of finance.events({ cursor: await loadCursor(), signal: stop.signal })) {
    await deliver(event);
    await saveCursor(event.cursor);
    console.log(`event ${event.id}: delivered`);
  }
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof FinanceError ? `${error.code}: ${error.message}` : error);
    process.exitCode = 1;
  }
}
