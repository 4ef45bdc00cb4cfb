import { consoleLines, curesFor } from "./consoles.ts";
import type { Diagnosis, Exchange, Step } from "./diagnosis.ts";
import { explainFailure } from "./explanations.ts";
import { withoutSecrets } from "./printable.ts";

/** The diagnosis for machines; the shape is documented in docs/doctor.md and only ever grows. */
export function renderJson(diagnosis: Diagnosis, notes: readonly string[]): string {
  const { page, allowed, crossOrigin, preflightCache, reply } = diagnosis;
  const document = {
    version: 1,
    allowed,
    crossOrigin,
    request: {
      url: page.url.href,
      origin: page.origin,
      method: page.method,
      headers: withoutSecrets(page.headers),
      credentials: page.credentials,
    },
    steps: diagnosis.steps.map(printStep),
    failure: printFailure(diagnosis),
    preflightCache,
    reply,
    notes,
  };
  return JSON.stringify(document, null, 2);
}

/** An environment in which the server would not start, for machines. */
export function renderMistakes(mistakes: readonly string[]): string {
  return JSON.stringify({ version: 1, allowed: false, mistakes }, null, 2);
}

function printStep({ name, result, text, rule, exchange }: Step) {
  return { name, result, text, rule, ...(exchange !== null && printExchange(exchange)) };
}

function printExchange({ request, response }: Exchange) {
  const { method, url, origin } = request;
  const headers = withoutSecrets(request.headers);
  if (origin !== null) headers.push(["origin", origin]);
  return {
    request: { method, url: url.href, headers },
    response: response === null ? null : { status: response.status, headers: withoutSecrets(response.headers) },
  };
}

function printFailure(diagnosis: Diagnosis) {
  const { failure } = diagnosis;
  if (failure === null) return null;
  const { code, stage, url, status, value, hint } = failure;
  return {
    code,
    stage,
    url,
    status,
    value,
    hint,
    meaning: explainFailure(code).meaning,
    alsoWrong: failure.findings.slice(1).map((finding) => finding.code),
    consoles: consoleLines(diagnosis),
    cures: curesFor(diagnosis),
  };
}
