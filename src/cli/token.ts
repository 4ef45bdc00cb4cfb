import { runCommand, UsageError } from "../../packages/cors/src/doctor/index.ts";
import { developmentSecret, mintToken } from "../auth/index.ts";
import { ConfigError, readConfig } from "../config/config.ts";

const HELP = `usage: npm run token -- --sub NAME [--scope "finance.read finance.write"] [--expires-in SECONDS]

Makes a development token: HS256, signed with AUTH_JWT_SECRET if it is set, or else with the secret in DATA_DIR.

  --sub         name of the caller, who owns the accounts opened with the token
  --scope       any of finance.read, finance.write, finance.admin; default "finance.read finance.write"
  --expires-in  seconds from now; negative for an expired token; default 86400

Exit status: 0, 1 for a mistake in the environment, 2 for bad usage.`;

const SCOPES: ReadonlySet<string> = new Set(["finance.read", "finance.write", "finance.admin"]);

process.exitCode = await runCommand(process.argv.slice(2), {
  help: HELP,
  options: {
    sub: { type: "string" },
    scope: { type: "string", default: "finance.read finance.write" },
    "expires-in": { type: "string", default: "86400" },
  },
  run: async ({ values: { sub, scope, "expires-in": expiresIn } }) => {
    try {
      console.log(await mint(sub, scope, expiresIn));
      return 0;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      console.error(error.message);
      return 1;
    }
  },
});

async function mint(sub: string | undefined, scope: string, expiresIn: string): Promise<string> {
  if (sub === undefined || sub === "") throw new UsageError("--sub is required");
  const unknown = scope.split(" ").filter((part) => part !== "" && !SCOPES.has(part));
  if (unknown.length > 0) throw new UsageError(`there is no scope ${unknown.join(", ")}`);
  if (!/^-?\d{1,9}$/.test(expiresIn)) throw new UsageError("--expires-in must be a whole number of seconds");

  const { auth, dataDir } = readConfig(process.env);
  if (auth.trust !== undefined && "jwksUrl" in auth.trust) {
    throw new ConfigError(["AUTH_JWKS_URL: tokens come from that issuer; unset it to mint development tokens"]);
  }
  return await mintToken(auth.trust?.secret ?? (await developmentSecret(dataDir)), {
    subject: sub,
    scope,
    lifetimeSeconds: Number(expiresIn),
    issuer: auth.issuer,
    audience: auth.audience,
  });
}
