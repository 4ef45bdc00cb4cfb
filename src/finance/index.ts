export { audit, checks, type Finding } from "./audit.ts";
export { seedDemoData } from "./demo-data.ts";
export { mapFinanceError } from "./error-mapping.ts";
export { overloaded } from "./errors.ts";
export { type Ledger, lanePoolOptions, openLedger } from "./ledger.ts";
export type { LedgerObserver } from "./ledger-observer.ts";
export { countOrders } from "./order.ts";
export { type FinanceContext, financeServiceOf } from "./service.ts";
export { decodingLimits } from "./validation.ts";
