import type { Diagnosis } from "./diagnosis.ts";
import { type FetchOptions, fetchAlgorithm } from "./fetch.ts";
import type { PageRequest } from "./page-request.ts";
import type { Probe } from "./wire.ts";

/** Fetches as a browser would on behalf of the page, sending what is to be sent through the probe. */
export async function diagnose(page: PageRequest, probe: Probe, options: FetchOptions = {}): Promise<Diagnosis> {
  const conversation = fetchAlgorithm(page, options);
  let turn = conversation.next();
  while (!turn.done) turn = conversation.next(await probe(turn.value));
  return turn.value;
}
