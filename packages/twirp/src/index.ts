export { CallMemory, type CallMemoryOptions } from "./call-memory.ts";
export { writeBinary as encodeMessage } from "./codec/binary-writer.ts";
export { type DecodingLimits, type ElementLimit, elementsSent } from "./codec/limits.ts";
export type { CallContext, CallOutcome, ResponseHeaders } from "./context.ts";
export {
  type ClientErrorsOptions,
  createTwirpClientErrors,
  type FrameworkErrorsOptions,
  twirpClientErrors,
  twirpFrameworkErrors,
} from "./early-errors.ts";
export { type InjectTransportOptions, injectTransport, type TwirpTransport } from "./inject-transport.ts";
export {
  type AnyTwirpServer,
  type ProtobufTsService,
  type TwirpJsonOptions,
  type TwirpOptions,
  type TwirpService,
  type TwirpTsService,
  type TypedTwirpOptions,
  twirpOptions,
} from "./options.ts";
export { callOf, twirp } from "./plugin.ts";
export { isStrictHttp, type StrictHttpOptions, strictHttp } from "./strict-http.ts";
export { TIMEOUT_HEADER } from "./time-limits.ts";
export { type Interceptor, type ServerHooks, type TwirpContext, TwirpError, TwirpErrorCode } from "./twirp-ts.ts";
