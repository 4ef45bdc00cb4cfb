import { useQuery } from "@tanstack/react-query";
import { PageHeading } from "../components/page-heading.tsx";
import { doctorPage, paths } from "../route.ts";
import type { Settings } from "../settings.ts";
import { askAsBrowser } from "./browser-view.ts";
import { askDoctor } from "./doctor.ts";
import { DoctorReport } from "./doctor-report.tsx";
import { StepMark } from "./step-mark.tsx";

interface ConnectionPageProps {
  readonly settings: Settings;
  /** Absent: nobody is signed in. */
  readonly token: string | undefined;
}

/** Whether this page may call the API and why not, from the browser and from the doctor. */
export function ConnectionPage({ settings: { apiUrl, twirpPrefix }, token }: ConnectionPageProps) {
  const url = `${apiUrl}${twirpPrefix}/finance.v1.FinanceService/GetAccount`;
  const { origin } = window.location;
  const browser = useQuery({
    queryKey: ["connection", "browser"],
    queryFn: () => askAsBrowser(apiUrl, url, token),
    staleTime: 0,
  });
  const doctor = useQuery({
    queryKey: ["connection", "doctor"],
    queryFn: ({ signal }) => askDoctor(signal),
    retry: false,
    staleTime: 0,
  });
  return (
    <div className={token === undefined ? "alone broad" : "stack wide-gaps"}>
      <PageHeading title="Connection">
        <p className="muted">
          From <code>{origin}</code> to <code>{url}</code>
        </p>
      </PageHeading>
      <div className="actions">
        <button
          type="button"
          className="quiet"
          disabled={browser.isFetching || doctor.isFetching}
          onClick={() => {
            void browser.refetch();
            void doctor.refetch();
          }}
        >
          Check again
        </button>
        <a className="button quiet" href={doctorPage}>
          Explain another error
        </a>
        {token === undefined && (
          <a className="button quiet" href={paths.overview}>
            Back to the sign-in
          </a>
        )}
      </div>
      <section aria-labelledby="browser-heading" aria-busy={browser.isFetching}>
        <h2 id="browser-heading">What this browser says</h2>
        <ul className="findings">
          {browser.data?.findings.map(({ what, answer, isGood }) => (
            <li key={what}>
              <StepMark result={isGood ? "passed" : "failed"} />
              <div>
                <strong>{what}</strong> {answer}
              </div>
            </li>
          ))}
        </ul>
        {browser.data?.readableHeaders && (
          <p className="muted">
            Reply headers that this page may read: <code>{browser.data.readableHeaders.join(", ")}</code>
          </p>
        )}
      </section>
      <section aria-labelledby="doctor-heading" aria-busy={doctor.isFetching}>
        <h2 id="doctor-heading">What the doctor finds</h2>
        {doctor.data && <DoctorReport diagnosis={doctor.data} />}
        {doctor.error && (
          <>
            <p>This page's server could not run the doctor: {doctor.error.message}. Run it in a terminal:</p>
            <pre>
              <code>
                npm run doctor -- {url} --origin {origin}
              </code>
            </pre>
          </>
        )}
      </section>
    </div>
  );
}
