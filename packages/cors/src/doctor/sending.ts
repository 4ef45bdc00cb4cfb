/** One request and its response. Local Network Access is judged in between, when the browser is connected. */

import { type AddressSpace, spaceOfAddress } from "./address-spaces.ts";
import { finding, getHeader, type WireResponse } from "./checks.ts";
import { type Conversation, type FetchRecord, fail, note, type WireRequest } from "./diagnosis.ts";
import type { FetchState } from "./fetch-state.ts";
import { judgeConnection } from "./local-network-access.ts";

/** Sends a request and records the response; null when there is none, which is then the failure. */
export function* send(record: FetchRecord, state: FetchState, request: WireRequest): Conversation<WireResponse | null> {
  const outcome = yield request;
  const space = spaceOfAddress(outcome.address ?? "");
  if (space !== null && !mayUseConnection(record, state, request, space)) return null;
  const name = request.kind === "preflight" ? "preflight_sent" : "request_sent";
  const asked = `${request.method} ${request.url.href}`;
  if ("response" in outcome) {
    const { response } = outcome;
    note(record, name, "passed", `${asked} is answered with ${response.status}.`, { request, response });
    noteObsoleteHeader(record, response);
    return response;
  }
  const { code, detail, chrome = null } = outcome.noResponse;
  note(record, name, "failed", `${asked} gets no answer: ${detail}.`, { request, response: null });
  fail(record, request, null, [{ ...finding(code, detail), chrome }]);
  return null;
}

function mayUseConnection(record: FetchRecord, state: FetchState, request: WireRequest, space: AddressSpace): boolean {
  const { page, place, permission } = state;
  const { blocked, needs } = judgeConnection(state, request.kind, request.url, space);
  const report = (result: "passed" | "failed" | "note", why: string) => {
    const where = `${request.url.host} is in the ${space} address space, and the page in the ${place.space} one (${place.why})`;
    note(record, "local_network_access", result, `${where}: ${why}.`);
  };
  if (blocked?.code === "address_space_mismatch") report("failed", `targetAddressSpace is ${page.targetAddressSpace}`);
  else if (blocked?.code === "local_network_denied") report("failed", "the user has denied access");
  else if (blocked !== null) report("failed", "only a secure page may ask the user for access");
  if (blocked !== null) fail(record, request, null, [blocked]);
  if (needs !== null && !record.permissions.has(needs)) {
    record.permissions.add(needs);
    if (permission === "granted") report("passed", `the user has given the permission ${needs}`);
    else report("note", `Chrome asks the user for the permission ${needs}`);
  }
  return blocked === null;
}

const obsoleteHeaders = [
  "access-control-allow-private-network",
  "private-network-access-id",
  "private-network-access-name",
];

/** Servers still send them, after advice for Private Network Access, which Chromium gave up. */
function noteObsoleteHeader(record: FetchRecord, { headers }: WireResponse): void {
  const sent = obsoleteHeaders.filter((name) => getHeader(headers, name) !== null);
  if (sent.length === 0) return;
  const text = `${sent.join(" and ")} has no effect any more: no browser asks for it, and since Chrome 142 the user decides.`;
  if (record.steps.every((step) => step.text !== text)) note(record, "local_network_access", "note", text);
}
