export {
  type Authenticate,
  AuthenticationError,
  type AuthenticationReason,
  type AuthenticatorOptions,
  type Caller,
  createAuthenticator,
  hasScope,
  readAuthorization,
  type Scope,
  type TokenTrust,
} from "./authenticator.ts";
export { developmentSecret, mintToken, type TokenClaims } from "./development-token.ts";
export { KeysUnavailableError } from "./published-keys.ts";
