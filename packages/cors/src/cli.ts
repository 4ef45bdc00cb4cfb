#!/usr/bin/env node
import { runDoctor } from "./doctor/index.ts";
import { readCorsPolicy } from "./environment.ts";

process.exitCode = await runDoctor({
  name: "cors-doctor",
  readService: (environment) => ({ ...readCorsPolicy(environment), url: new URL("http://localhost/") }),
});
