import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ProcessContext } from "#libs/service";
import { createLogger, type Logger } from "#libs/telemetry";
import { openTarget, type Target } from "./system/target.ts";

/** What every command gets: the life of the process, and where to write. */
export type CommandContext = {
  readonly stack: AsyncDisposableStack;
  readonly signal: AbortSignal;
  /** The command without its arguments, which may be secret: what others read who find the data directory locked. */
  readonly command: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
};

/** Options that every command takes. */
export type GlobalOptions = {
  readonly data: string;
  readonly server?: string;
  readonly token?: string;
  readonly ca?: string;
  readonly json?: boolean;
  readonly trainers?: number;
};

/** Makes the context of a process. */
export function commandContext(stack: AsyncDisposableStack, { signal }: ProcessContext): CommandContext {
  return { stack, signal, command: `ratatouille ${process.argv[2] ?? ""}`.trim(), stdout: process.stdout, stderr: process.stderr };
}

/** A logger to a file under the data directory, since the terminal belongs to the progress. */
export function fileLogger(dataDirectory: string, service: string): Logger {
  const directory = join(dataDirectory, "logs");
  mkdirSync(directory, { recursive: true });
  return createLogger({ service, destination: join(directory, "ratatouille.log") });
}

/**
 * The system that a command talks to; it is closed when the command ends.
 * @param trains false for commands that only look at what there is or change what is stored: an embedded system gets no trainers then.
 */
export async function useTarget({ stack, command }: CommandContext, options: GlobalOptions, trains = false): Promise<Target> {
  const { data, server, token, ca } = options;
  const trainers = trains ? options.trainers : 0;
  const openLog = () => fileLogger(data, "ratatouille");
  return stack.use(await openTarget({ dataDirectory: data, server, token, trainers, command, caPath: ca, openLog }));
}
