import { expressCors } from "./express-cors.ts";
import { financeService } from "./finance-service.ts";
import type { Framework } from "./framework.ts";
import { nginx } from "./nginx.ts";
import { rsCors } from "./rs-cors.ts";

export type { Cause, FixKind, Framework, GeneralFix } from "./framework.ts";

/** One file each. The names are those in JSON, and never change. */
export const frameworks = { financeService, expressCors, rsCors, nginx } as const satisfies Readonly<
  Record<string, Framework>
>;

export type FrameworkId = keyof typeof frameworks;

export const frameworkIds: readonly FrameworkId[] = ["financeService", "expressCors", "rsCors", "nginx"];
