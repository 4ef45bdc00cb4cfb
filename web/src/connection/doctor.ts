/** The diagnosis that the server of this page makes of the API, as `npm run doctor -- --json` prints it. */

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
  /** Only of steps that sent something. */
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

/** @throws Error when the server of this page has no doctor, or is gone. */
export async function askDoctor(signal: AbortSignal): Promise<Diagnosis> {
  const response = await fetch("/diagnosis.json", { signal, cache: "no-store" });
  if (!response.ok) throw new Error(`the server of this page answers HTTP ${response.status}`);
  // Of our own server, whose form is fixed (docs/doctor.md).
  return (await response.json()) as Diagnosis;
}
