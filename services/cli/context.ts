import type { Target } from "./system/target.ts";

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

/**
 * What a command does with a system: looks at what there is, changes what is stored, has it train again what is there, or starts something
 * new, for which a data directory is made where there is none.
 */
export type Use = "look" | "change" | "train" | "start";

export function commandContext(stack: AsyncDisposableStack, signal: AbortSignal): CommandContext {
  return { stack, signal, command: `ratatouille ${process.argv[2] ?? ""}`.trim(), stdout: process.stdout, stderr: process.stderr };
}

/**
 * The system that a command talks to; it is closed when the command ends.
 * @param use what for; a command that only looks is let into a system that works for another command, such as `recycle`.
 */
export async function useTarget({ stack, command }: CommandContext, options: GlobalOptions, use: Use = "change"): Promise<Target> {
  const { data, server, token, ca } = options;
  const trainers = use === "train" || use === "start" ? options.trainers : 0;
  // Not loaded by commands that work on files alone.
  const [{ openTarget }, { fileLogger }] = await Promise.all([import("./system/target.ts"), import("./file-logger.ts")]);
  const openLog = (directory: string) => fileLogger(directory, "ratatouille");
  const uses = { looks: use === "look", makes: use === "start" };
  return stack.use(await openTarget({ dataDirectory: data, server, token, trainers, command, ...uses, caPath: ca, openLog }));
}
