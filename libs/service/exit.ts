/** The exit codes of every program here. */
export const ExitCode = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Wrong usage: its message is a sentence for the person who typed; the process ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The reason with which `runProcess` aborts: a person or a supervisor asked the process to stop. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly signalName: "SIGINT" | "SIGTERM";

  constructor(signalName: "SIGINT" | "SIGTERM") {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
  }
}

/** Which exit code an error that reached the top means. After an interruption whatever fails is taken as its consequence. */
export function exitCodeOf(error: unknown, signal?: AbortSignal): ExitCode {
  if (error instanceof UsageError) return ExitCode.usage;
  return signal?.aborted || error instanceof InterruptedError ? ExitCode.interrupted : ExitCode.failed;
}
