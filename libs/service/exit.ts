/** The exit codes of every program here. `unread`: nobody reads the output any more, as in `… | head`; the code that shells give for SIGPIPE. */
export const ExitCode = { done: 0, failed: 1, usage: 2, interrupted: 130, unread: 141 } as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Wrong usage: its message is a sentence for the person who typed; the process ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Why a process is to stop: a person or a supervisor asked for it, or nobody reads its output any more (SIGPIPE). */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGPIPE";

/** The reason with which `runProcess` aborts. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly signalName: StopSignal;

  constructor(signalName: StopSignal) {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
  }
}

/**
 * Which exit code an error that reached the top means. After an interruption whatever fails is taken as its consequence.
 * @example
 * ```ts
 * exitCodeOf(new UsageError("there is no option --jbos")); // 2
 * exitCodeOf(new Error("a bug")); // 1
 * exitCodeOf(new InterruptedError("SIGINT")); // 130
 * ```
 */
export function exitCodeOf(error: unknown, signal?: AbortSignal): ExitCode {
  if (isUnread(error) || isUnread(signal?.reason)) return ExitCode.unread;
  if (error instanceof UsageError) return ExitCode.usage;
  return signal?.aborted || error instanceof InterruptedError ? ExitCode.interrupted : ExitCode.failed;
}

/** Whether something could not be written, or is not written any more, because nobody reads it. */
export function isUnread(error: unknown): boolean {
  if (error instanceof InterruptedError) return error.signalName === "SIGPIPE";
  return error instanceof Error && "code" in error && error.code === "EPIPE" && (!("syscall" in error) || error.syscall === "write");
}
