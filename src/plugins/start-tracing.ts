import { StartError } from "../start-error.ts";
import type { Tracing } from "./open-telemetry.ts";

/**
 * Traces by OpenTelemetry, sent to the collector at OTEL_EXPORTER_OTLP_ENDPOINT over OTLP/HTTP. Its SDK, which reads the
 * other OTEL_ variables, is loaded only when there is one.
 *
 * @returns undefined when the variable is not set: then nothing is traced.
 * @throws StartError when a package of OpenTelemetry, all of which are optional, is missing.
 */
export async function startTracing(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesEndpoint } = environment;
  if (!(endpoint || tracesEndpoint) || environment["OTEL_SDK_DISABLED"] === "true") return undefined;
  try {
    const { OpenTelemetry } = await import("./open-telemetry.ts");
    return new OpenTelemetry();
  } catch (error) {
    const missing = /Cannot find package '(@opentelemetry\/[^']+)'/.exec(
      error instanceof Error ? error.message : "",
    )?.[1];
    if (missing === undefined) throw error;
    throw new StartError(
      `traces need ${missing}, which is not installed: run npm ci without --omit=dev, or unset OTEL_EXPORTER_OTLP_ENDPOINT`,
    );
  }
}
