import type { Violation } from "./errors.ts";

/** A job on its way to a worker. `cancelled` is shared memory: the first word becomes 1 when nobody waits any more. */
export type WorkerRequest<Job> = { readonly job: Job; readonly cancelled: Int32Array };

/** What came out: a result, or why there is none. `violations` are there when the request is at fault. */
export type WorkerReply<Result> = { readonly result: Result } | { readonly message: string; readonly violations?: readonly Violation[] };
