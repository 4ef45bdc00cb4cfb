export { seedDemoData } from "./demo-data.ts";
export { mapFinanceError } from "./error-mapping.ts";
export { overloaded } from "./errors.ts";
export { type Ledger, lanePoolOptions, openLedger } from "./ledger.ts";
export { audit, checks, type Finding } from "./records/audit.ts";
export { type FinanceContext, financeServiceOf } from "./service.ts";
export type { LedgerObserver } from "./turns.ts";
export { countPostings, decodingLimits } from "./validation.ts";
