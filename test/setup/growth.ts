import type { StepCounter } from "./step-counter.ts";

/** The largest factor by which doubling the size may multiply the steps. */
const GROWTH_MAX = 2.2;

/** Makes an input of a size. */
export type Form<Input = string> = (size: number) => Input;
export type Forms<Input = string> = Readonly<Record<string, Form<Input>>>;

/** The forms whose steps grow faster than linearly, with the factor between `size` and twice `size`. */
export function steepOf<Input>(
  counter: StepCounter,
  size: number,
  forms: Forms<Input>,
  work: (input: Input) => unknown,
) {
  const inputs = Object.values(forms).flatMap((form) => [form(size), form(2 * size)]);
  // The first use compiles some code.
  for (const form of Object.values(forms)) attempt(() => work(form(2)));
  const steps = counter.countEach(inputs.map((input) => () => work(input)));
  return steepAmong(Object.keys(forms), steps);
}

/** As {@link steepOf}, for asynchronous work. */
export async function steepOfAsync<Input>(
  counter: StepCounter,
  size: number,
  forms: Forms<Input>,
  work: (input: Input) => Promise<unknown>,
) {
  const steps: number[] = [];
  for (const form of Object.values(forms)) {
    await work(form(2)).catch(() => undefined);
    for (const input of [form(size), form(2 * size)]) steps.push(await counter.countAsync(() => work(input)));
  }
  return steepAmong(Object.keys(forms), steps);
}

function steepAmong(names: readonly string[], steps: readonly number[]): string[] {
  return names.flatMap((name, index) => {
    const growth = (steps[2 * index + 1] ?? Number.NaN) / (steps[2 * index] ?? Number.NaN);
    return growth <= GROWTH_MAX ? [] : [`${name}: ${growth.toFixed(2)}`];
  });
}

function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // A refusal counts too.
  }
}
