import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SignJWT } from "jose";

const SECRET_FILE = "auth-secret";

export interface TokenClaims {
  readonly subject: string;
  /** Space-separated. */
  readonly scope: string;
  /** Seconds from now; negative for an expired token. */
  readonly lifetimeSeconds: number;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/**
 * The development secret of a data directory, made on first use: 32 random bytes as text, readable only by their owner.
 *
 * @throws the file system's error when the directory can't be written.
 */
export async function developmentSecret(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, SECRET_FILE);
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, randomBytes(32).toString("base64url"), { mode: 0o600 });
  try {
    // Linking fails if the file exists: if two processes start at once, only one of them makes the secret.
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(draft);
  }
  return await readFile(path, "utf8");
}

/** Signs a token with a shared secret (HS256). */
export async function mintToken(secret: string, claims: TokenClaims): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const token = new SignJWT({ scope: claims.scope })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(claims.subject)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + claims.lifetimeSeconds);
  if (claims.issuer !== undefined) token.setIssuer(claims.issuer);
  if (claims.audience !== undefined) token.setAudience(claims.audience);
  return await token.sign(new TextEncoder().encode(secret));
}
