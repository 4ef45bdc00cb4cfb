import type { Diagnosis, DoctorFailure, DoctorStep, HeaderLine } from "./doctor.ts";
import { StepMark } from "./step-mark.tsx";

/** The verdict first, then how to fix it, then each step that a browser takes. */
export function DoctorReport({ diagnosis: { allowed, failure, steps, notes } }: { readonly diagnosis: Diagnosis }) {
  return (
    <>
      <p className={allowed ? "verdict good" : "verdict wrong"}>
        {allowed ? "✓ A browser lets this page call the API." : "✗ A browser blocks this page's calls."}
      </p>
      {failure && <Failure failure={failure} />}
      <ol className="findings">
        {steps.map((step) => (
          <li key={step.name}>
            <StepMark result={step.result} />
            <div>
              {step.text}
              {step.request && <Exchange step={step} />}
            </div>
          </li>
        ))}
        {notes.map((note) => (
          <li key={note}>
            <StepMark result="note" />
            <div>{note}</div>
          </li>
        ))}
      </ol>
    </>
  );
}

function Failure({ failure: { meaning, hint, consoles, fixes } }: { readonly failure: DoctorFailure }) {
  return (
    <div className="problem">
      <p>
        <strong>{meaning}</strong> {hint && `Hint: ${hint}.`}
      </p>
      {fixes && (
        <>
          <p>How to fix it on this server:</p>
          <pre>
            <code>{fixes.financeService.join("\n")}</code>
          </pre>
        </>
      )}
      {consoles?.chrome && (
        <details>
          <summary>What the browser's console prints</summary>
          <pre>
            <code>{consoles.chrome}</code>
          </pre>
        </details>
      )}
    </div>
  );
}

/** The headers that matter for CORS. */
const TELLING = /^(origin|access-control-.*|vary)$/i;

function Exchange({ step: { request, response } }: { readonly step: DoctorStep }) {
  if (request === undefined) return null;
  const lines = (headers: readonly HeaderLine[]) =>
    headers.filter(([name]) => TELLING.test(name)).map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  return (
    <details>
      <summary>
        {request.method} → {response ? `HTTP ${response.status}` : "no answer"}
      </summary>
      <pre>
        <code>{[`${request.method} ${request.url}`, ...lines(request.headers)].join("\n")}</code>
      </pre>
      {response && (
        <pre>
          <code>{[`HTTP ${response.status}`, ...lines(response.headers)].join("\n")}</code>
        </pre>
      )}
    </details>
  );
}
