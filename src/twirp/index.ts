export type { CallContext } from "./call-context.ts";
export { twirpClientErrors } from "./client-errors.ts";
export { TIMEOUT_HEADER } from "./deadline.ts";
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
export { twirp } from "./plugin.ts";
export type { ResponseHeaders } from "./response-headers.ts";
