/** https://source.chromium.org/chromium/chromium/src/+/main:net/base/net_error_list.h */

import type { FailureCode } from "./explanations.ts";

const codes: readonly (readonly [pattern: RegExp, code: FailureCode])[] = [
  [/^UNSAFE_PORT/, "blocked_port"],
  [/^BLOCKED_BY_LOCAL_NETWORK_ACCESS/, "local_network_denied"],
  [/^BLOCKED_BY_LOCAL_NETWORK_ACCESS/, "local_network_insecure_page"],
  [/^INCONSISTENT_IP_ADDRESS_SPACE/, "address_space_mismatch"],
  [/^NAME_NOT_RESOLVED/, "host_not_found"],
  [/^CONNECTION_REFUSED/, "connection_refused"],
  [/^(CERT|SSL)_/, "tls_failed"],
  [/^(CONNECTION_)?TIMED_OUT/, "timed_out"],
  [/^INVALID_HTTP_RESPONSE/, "not_http"],
  [/^(INVALID_HTTP_RESPONSE|RESPONSE_HEADERS_|UNEXPECTED_PROXY_AUTH|METHOD_NOT_SUPPORTED)/, "invalid_response"],
  [/^EMPTY_RESPONSE/, "empty_response"],
  [/^INVALID_REDIRECT/, "redirect_location"],
  [/^(UNSAFE_REDIRECT|UNKNOWN_URL_SCHEME)/, "redirect_scheme"],
  [/^TOO_MANY_REDIRECTS/, "redirect_count"],
  [/^(CONNECTION_|ADDRESS_|NETWORK_|INTERNET_|SOCKET_|HTTP2_|QUIC_)/, "connection_failed"],
];

/** The failures that an error such as `net::ERR_CONNECTION_REFUSED` can stand for; empty if it does not show its cause. */
export function codesOfNetError(error: string): FailureCode[] {
  const [, name = ""] = /^net::ERR_(\w+)/i.exec(error) ?? [];
  return codes.filter(([pattern]) => pattern.test(name.toUpperCase())).map(([, code]) => code);
}
