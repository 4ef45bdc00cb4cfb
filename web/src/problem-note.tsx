import type { NoAnswer, Problem } from "./problem.ts";

interface ProblemNoteProps {
  readonly problem: Problem;
  /** Absent: there is nothing to try again here. */
  readonly onRetry?: () => void;
}

/** What went wrong, why, and where to look. */
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

function ProblemText({ problem }: { readonly problem: Problem }) {
  switch (problem.kind) {
    case "no-answer":
      return <NoAnswerText problem={problem} />;
    case "refusal": {
      const { msg, code, status, meta } = problem;
      const details = [`${code}, HTTP ${status}`, ...Object.entries(meta).map(([key, value]) => `${key}: ${value}`)];
      return (
        <>
          <p>
            <strong>The service refused: {msg}</strong>
          </p>
          <p className="muted">{details.join(" · ")}</p>
        </>
      );
    }
    case "unreadable":
      return (
        <p>
          <strong>Something else answered.</strong> {problem.url} gave HTTP {problem.status}, but not in the form of the
          finance service. Is another program on that port?
        </p>
      );
    case "no-settings":
      return (
        <p>
          <strong>Where is the API?</strong> /settings.json, which tells this page, did not come. Is the server of this
          page still running?
        </p>
      );
  }
}

function NoAnswerText({ problem: { url } }: { readonly problem: NoAnswer }) {
  const { origin } = window.location;
  return (
    <>
      <p>
        <strong>
          No answer: the API is down, or the browser blocked it by CORS for this origin, <code>{origin}</code>.
        </strong>
      </p>
      <p>A page is not told which. The browser's console and its Network tab know, and so does:</p>
      <pre>
        <code>
          npm run doctor -- {url} --origin {origin} --header authorization --header content-type
        </code>
      </pre>
    </>
  );
}
