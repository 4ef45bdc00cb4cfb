import { FinanceError } from "@finance-service/client";
import { SettingsError } from "../settings.ts";
import { Copyable } from "./copy.tsx";

interface ProblemNoteProps {
  readonly problem: Error;
  /** Absent: there is no button to try again. */
  readonly onRetry?: () => void;
}

/** An error: what failed, why, and where to look. */
export function ProblemNote({ problem, onRetry }: ProblemNoteProps) {
  return (
    <div className="problem" role="alert">
      <ProblemText problem={problem} />
      {onRetry && (
        <button type="button" className="quiet" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

function ProblemText({ problem }: { readonly problem: Error }) {
  if (problem instanceof SettingsError) {
    return (
      <p>
        <strong>This page can't find the API.</strong> It can't read /settings.json from its own server. Is that server
        still running?
      </p>
    );
  }
  if (!(problem instanceof FinanceError)) {
    return (
      <p>
        <strong>The page failed:</strong> {problem.message}
      </p>
    );
  }
  if (problem.reason === "cors_or_network") {
    return (
      <p>
        <strong>
          No answer: the API is down, or the browser blocked it by CORS for this origin,{" "}
          <code>{window.location.origin}</code>.
        </strong>{" "}
        Browsers do not tell pages which. <a href="#/connection">Check the connection</a>
      </p>
    );
  }
  if (problem.meta["http_error_from_intermediary"] === "true" || problem.reason === "invalid_reply") {
    return (
      <p>
        <strong>Something else answered,</strong> with HTTP {problem.status}: it is not the finance service. Is another
        program on that port, or a proxy in between? <a href="#/connection">Check the connection</a>
      </p>
    );
  }
  return <Refusal refusal={problem} />;
}

function Refusal({ refusal: { code, status, message, meta, requestId } }: { readonly refusal: FinanceError }) {
  const { request_id: request = requestId, ...others } = meta;
  const details = [
    status === 0 ? code : `${code}, HTTP ${status}`,
    ...Object.entries(others).map(([key, value]) => `${key}: ${value}`),
  ];
  return (
    <>
      <p>
        <strong>
          {status === 0 ? "The call failed" : "The service refused"}: {message}
        </strong>
      </p>
      <p className="muted">
        {details.join(" · ")}
        {request !== undefined && (
          <>
            {" · request: "}
            <Copyable text={request} what="the request id" />
          </>
        )}
      </p>
    </>
  );
}
