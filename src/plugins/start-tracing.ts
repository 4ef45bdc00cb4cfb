import type { Tracing } from "./tracing.ts";

/**
 * Traces by OpenTelemetry, sent to the collector at OTEL_EXPORTER_OTLP_ENDPOINT over OTLP/HTTP. Its SDK, which reads the
 * other OTEL_ variables, is loaded only when there is one.
 *
 * @returns undefined when the variable is not set: then nothing is traced.
 */
export async function startTracing(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesEndpoint } = environment;
  if (!(endpoint || tracesEndpoint) || environment["OTEL_SDK_DISABLED"] === "true") return undefined;
  const { OpenTelemetry } = await import("./open-telemetry.ts");
  return new OpenTelemetry();
}
