/** TLS to PostgreSQL as libpq names it. https://www.postgresql.org/docs/current/libpq-ssl.html */
import type { ConnectionOptions } from "node:tls";

const TLS_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

/** Whether TLS is spoken, and what of the server's certificate is checked. */
export type TlsMode = (typeof TLS_MODES)[number];

/** What node-postgres hands to `tls.connect`. */
export type TlsOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "passphrase" | "rejectUnauthorized" | "checkServerIdentity"
>;

/** The parameters of a URL, as they stand in it. */
export interface TlsParameters {
  readonly mode: string | undefined;
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly password: string | undefined;
  readonly readFile: (path: string) => string;
  /** Receives what is wrong, each beginning with the parameter's name. */
  readonly mistakes: string[];
}

/** libpq's name for the authorities that the system trusts; here, those that come with Node, and NODE_EXTRA_CA_CERTS. */
const SYSTEM = "system";

/**
 * The mode and the options that go with it.
 *
 * As in libpq, a root certificate has the server's certificate checked in every mode that speaks TLS, and the host name
 * is checked by `verify-full` alone. Other than libpq, certificates are looked for only where they are said to be, and
 * one that is named and can't be read is a mistake.
 */
export function readTls(parameters: TlsParameters): { readonly mode: TlsMode; readonly options: TlsOptions } {
  const { rootCertificate, mistakes } = parameters;
  const mode = readMode(parameters.mode ?? (rootCertificate === SYSTEM ? "verify-full" : "prefer"), mistakes);
  if (mode === "disable") return { mode, options: {} };
  if (rootCertificate === SYSTEM && mode !== "verify-full") {
    mistakes.push(`sslrootcert: system needs sslmode=verify-full, not ${mode}: anybody can get such a certificate`);
  }
  if (rootCertificate === undefined && (mode === "verify-ca" || mode === "verify-full")) {
    mistakes.push(
      `sslmode: ${mode} needs sslrootcert, the file of the CA's certificate, or sslrootcert=system for public ones`,
    );
  }
  return { mode, options: { ...serverCheck(mode, parameters), ...clientCertificate(parameters) } };
}

function readMode(text: string, mistakes: string[]): TlsMode {
  const mode = TLS_MODES.find((known) => known === text);
  if (mode === undefined) mistakes.push(`sslmode: must be one of ${TLS_MODES.join(", ")}, not ${JSON.stringify(text)}`);
  return mode ?? "disable";
}

function serverCheck(mode: TlsMode, { rootCertificate, readFile, mistakes }: TlsParameters): TlsOptions {
  if (rootCertificate === undefined) return { rejectUnauthorized: mode === "verify-full" };
  const ca = rootCertificate === SYSTEM ? {} : { ca: readNamed("sslrootcert", rootCertificate, readFile, mistakes) };
  if (mode === "verify-full") return { ...ca, rejectUnauthorized: true };
  return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined };
}

function clientCertificate({ certificate, key, password, readFile, mistakes }: TlsParameters): TlsOptions {
  if (certificate === undefined && key === undefined) return {};
  if (certificate === undefined || key === undefined) {
    mistakes.push("sslcert, sslkey: set both of them, or neither");
    return {};
  }
  return {
    cert: readNamed("sslcert", certificate, readFile, mistakes),
    key: readNamed("sslkey", key, readFile, mistakes),
    ...(password !== undefined && { passphrase: password }),
  };
}

function readNamed(name: string, path: string, readFile: (path: string) => string, mistakes: string[]): string {
  try {
    const text = readFile(path);
    if (text.includes("-----BEGIN ")) return text;
    mistakes.push(`${name}: ${path} holds no PEM`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? `${error.code}` : "";
    mistakes.push(`${name}: ${path} can't be read (${READ_FAILURES[code] ?? code})`);
  }
  return "";
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not",
  EISDIR: "it is a directory",
};
