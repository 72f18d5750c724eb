/** Which attempt of which job; the number is the fencing token. */
export type AttemptId = { readonly jobId: string; readonly attempt: number };
