import { z } from "zod";

/** The form of test/conformance/cors-cases.json; a case with a key that is not named here is not understood. */
const config = z.strictObject({
  allowedOrigins: z.union([z.string(), z.array(z.string())]),
  allowedMethods: z.union([z.string(), z.array(z.string())]),
  allowedHeaders: z.union([z.string(), z.array(z.string())]),
  exposedHeaders: z.union([z.string(), z.array(z.string())]),
  credentials: z.boolean(),
  maxAge: z.union([z.number(), z.null(), z.literal("disable")]),
  privateNetwork: z.boolean(),
  preflightStatus: z.number().optional(),
});

const request = z.strictObject({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  body_text: z.string().optional(),
  body_repeat: z
    .strictObject({ prefix: z.string(), unit: z.string(), count: z.number(), suffix: z.string() })
    .optional(),
});

const expectation = z.strictObject({
  kind: z.enum(["preflight", "actual", "actual_or_preflight", "config_error", "config_ok", "behaviour"]),
  status: z.number().optional(),
  status_any: z.array(z.number()).optional(),
  status_note: z.string().optional(),
  browser: z.string().optional(),
  body_empty: z.boolean().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  absent: z.array(z.string()).optional(),
  absent_value: z.record(z.string(), z.array(z.string())).optional(),
  vary_includes: z.array(z.string()).optional(),
  vary_no_duplicates: z.boolean().optional(),
  vary_star: z.boolean().optional(),
  allow_headers_must_list: z.array(z.string()).optional(),
  allow_methods_must_list: z.array(z.string()).optional(),
  expose_list: z.array(z.string()).optional(),
  reason: z.string().optional(),
  hint: z.string().optional(),
  names: z.array(z.string()).optional(),
  client: z.strictObject({ credentials: z.enum(["include", "same-origin", "omit"]) }).optional(),
  effective: config.partial().optional(),
});

const corsCase = z.object({
  id: z.string(),
  group: z.string(),
  config: config.partial(),
  request: request.optional(),
  app: z.string().optional(),
  expect: expectation,
});

const table = z.object({ default_config: config, cases: z.array(z.unknown()) });

export type CaseConfig = z.infer<typeof config>;
export type CaseRequest = z.infer<typeof request>;
export type Expectation = z.infer<typeof expectation>;
/** Missing settings have the table's defaults. */
export type CorsCase = Omit<z.infer<typeof corsCase>, "config"> & { readonly config: CaseConfig };

/** A case, or why this form of it is not understood. */
export type ReadCase =
  | { readonly id: string; readonly case: CorsCase }
  | { readonly id: string; readonly problem: string };

/** Reads a table, and throws if it is not one. The result has an entry for each case that is not understood. */
export function readCases(json: string): ReadCase[] {
  const { default_config, cases } = table.parse(JSON.parse(json));
  return cases.map((entry): ReadCase => {
    const read = corsCase.safeParse(entry);
    if (read.success) {
      return {
        id: read.data.id,
        case: { ...read.data, config: config.parse({ ...default_config, ...read.data.config }) },
      };
    }
    const [issue] = read.error.issues;
    const named = z.object({ id: z.string() }).safeParse(entry);
    return {
      id: named.success ? named.data.id : "a case without id",
      problem: `not understood: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
    };
  });
}

export function requestBody(asked: CaseRequest): string | undefined {
  if (asked.body_repeat === undefined) return asked.body_text;
  const { prefix, unit, count, suffix } = asked.body_repeat;
  return `${prefix}${unit.repeat(count)}${suffix}`;
}
