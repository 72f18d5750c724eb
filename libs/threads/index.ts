export { type PlainError, restoreError } from "./plain-error.ts";
export { type RunInThreadsOptions, type RunTasksOptions, runInThreads, runTasks } from "./run-tasks.ts";
export { openThreads } from "./threads.ts";
export type { Runner, ThreadContext, ThreadModule, Threads, ThreadsOptions } from "./types.ts";
export { startAhead } from "./workers.ts";
