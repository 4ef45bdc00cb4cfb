#!/usr/bin/env node
import { type ConfiguredService, commandName, runDoctor } from "../../packages/cors/src/doctor/index.ts";
import { ConfigError, readConfig } from "../config/config.ts";
import type { Environment } from "../config/variables.ts";

process.exitCode = await runDoctor({ name: commandName(process.argv[1] ?? "", process.env), readService });

function readService(environment: Environment): ConfiguredService {
  try {
    const { cors: policy, port, twirpPrefix } = readConfig(environment);
    const url = new URL(`http://localhost:${port}${twirpPrefix}/finance.v1.FinanceService/GetAccount`);
    return { ok: true, policy, url };
  } catch (error) {
    if (error instanceof ConfigError) return { ok: false, mistakes: error.mistakes };
    throw error;
  }
}
