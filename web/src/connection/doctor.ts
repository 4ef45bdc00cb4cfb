/** The doctor's report on the API, made by the server of this page. `npm run doctor -- --json` prints the same. */

export interface Diagnosis {
  readonly allowed: boolean;
  readonly steps: readonly DoctorStep[];
  readonly failure: DoctorFailure | null;
  readonly notes: readonly string[];
}

export interface DoctorStep {
  readonly name: string;
  readonly result: "passed" | "failed" | "note";
  readonly text: string;
  /** The section of the standard. */
  readonly rule: string;
  /** Only for steps that sent a request. */
  readonly request?: { readonly method: string; readonly url: string; readonly headers: readonly HeaderLine[] };
  readonly response?: { readonly status: number; readonly headers: readonly HeaderLine[] } | null;
}

export type HeaderLine = readonly [name: string, value: string];

export interface DoctorFailure {
  readonly code: string;
  readonly meaning: string;
  readonly hint: string | null;
  readonly consoles: { readonly chrome: string | null } | null;
  readonly fixes: { readonly financeService: readonly string[] } | null;
}

/** @throws Error when the server of this page has no doctor or does not answer. */
export async function askDoctor(signal: AbortSignal): Promise<Diagnosis> {
  const response = await fetch("/diagnosis.json", { signal, cache: "no-store" });
  if (!response.ok) throw new Error(`the server of this page answers HTTP ${response.status}`);
  // Our own server wrote it, in the format of docs/doctor.md.
  return (await response.json()) as Diagnosis;
}
