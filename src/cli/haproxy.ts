import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand, UsageError } from "../../packages/cors/src/doctor/index.ts";
import { describeMistakes, policyForProxy, readCorsPolicy } from "../../packages/cors/src/index.ts";

const HELP = `usage: CORS_ALLOWED_ORIGINS=https://app.example.com node dist/cli/haproxy.js DIRECTORY

Writes the CORS policy of the environment as the files that deploy/haproxy.cfg reads. With them, pages can read the
proxy's own replies while no process answers.

Exit status: 0, 1 for a mistake in the environment, 2 for bad usage.`;

process.exitCode = await runCommand(process.argv.slice(2), {
  help: HELP,
  options: {},
  positionals: true,
  run: async ({ positionals: [directory, ...more] }) => {
    if (directory === undefined || more.length > 0) throw new UsageError("name one directory");
    const read = readCorsPolicy(process.env);
    if (!read.ok) {
      console.error(describeMistakes(read.mistakes));
      return 1;
    }
    await mkdir(directory, { recursive: true });
    for (const [name, content] of Object.entries(policyForProxy(read.policy)))
      await writeFile(join(directory, name), content, { mode: 0o644 });
    return 0;
  },
});
