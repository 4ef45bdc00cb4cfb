export {
  type Authenticate,
  AuthenticationError,
  type AuthenticationReason,
  type AuthenticatorOptions,
  createAuthenticator,
  readAuthorization,
  type TokenTrust,
} from "./authenticator.ts";
export { type Caller, hasScope, type Scope } from "./callers.ts";
export { developmentSecret, mintToken, type TokenClaims } from "./development-token.ts";
export { KeysUnavailableError } from "./published-keys.ts";
