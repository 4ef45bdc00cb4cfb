export { startWorkers, WorkerStartError, type Workers } from "./primary.ts";
export { Primary } from "./worker.ts";
