export { writeBinary as encodeMessage } from "./binary/message-writer.ts";
export type { CallContext } from "./call-context.ts";
export { CallMemory, type CallMemoryOptions } from "./call-memory.ts";
export type { CallOutcome } from "./call-outcome.ts";
export { type ClientErrorsOptions, createTwirpClientErrors, twirpClientErrors } from "./client-errors.ts";
export { TIMEOUT_HEADER } from "./deadline.ts";
export { type DecodingLimits, type ElementLimit, elementsSent } from "./decoding-limits.ts";
export { type FrameworkErrorsOptions, twirpFrameworkErrors } from "./framework-errors.ts";
export { type InjectTransportOptions, injectTransport, type TwirpTransport } from "./inject-transport.ts";
export {
  type AnyTwirpServer,
  type TwirpJsonOptions,
  type TwirpOptions,
  type TwirpService,
  type TypedTwirpOptions,
  twirpOptions,
} from "./options.ts";
export { callOf, twirp } from "./plugin.ts";
export type { ResponseHeaders } from "./response-headers.ts";
export { type StrictHttpOptions, strictHttp } from "./strict-http.ts";
