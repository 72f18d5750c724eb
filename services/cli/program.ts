import type { Command } from "commander";
import { baseProgram } from "./base-program.ts";
import type { CommandContext } from "./context.ts";
import type { Finish } from "./options.ts";

/** Adds a command to the program. */
type Define = (program: Command, context: CommandContext, finish: Finish) => void;

type Entry = {
  /** Loads the command: its options, and not what it does. */
  readonly load: () => Promise<Define>;
  /** Works on files, and starts without what only others need: gRPC, telemetry, tfjs. */
  readonly light?: true;
};

/** All commands, in the order in which the help lists them. */
const commands: Readonly<Record<string, Entry>> = {
  init: { load: async () => (await import("./commands/init/command.ts")).defineInit },
  recycle: { load: async () => (await import("./commands/recycle/command.ts")).defineRecycle },
  average: { load: async () => (await import("./commands/average/command.ts")).defineAverage, light: true },
  merge: { load: async () => (await import("./commands/merge/command.ts")).defineMerge, light: true },
  check: { load: async () => (await import("./commands/check/command.ts")).defineCheck, light: true },
  data: { load: async () => (await import("./commands/data/command.ts")).defineData, light: true },
  import: { load: async () => (await import("./commands/import/command.ts")).defineImport },
  methods: { load: async () => (await import("./commands/methods/command.ts")).defineMethods, light: true },
  up: { load: async () => (await import("./commands/up/command.ts")).defineUp },
  serve: { load: async () => (await import("./commands/serve/command.ts")).defineServe },
  trainer: { load: async () => (await import("./commands/trainer/command.ts")).defineTrainer },
  trainers: { load: async () => (await import("./commands/trainers/command.ts")).defineTrainers },
  runs: { load: async () => (await import("./commands/runs/command.ts")).defineRuns },
  jobs: { load: async () => (await import("./commands/jobs/command.ts")).defineJobs },
  events: { load: async () => (await import("./commands/events/command.ts")).defineEvents },
  models: { load: async () => (await import("./commands/models/command.ts")).defineModels },
  lineage: { load: async () => (await import("./commands/lineage/command.ts")).defineLineage },
  diff: { load: async () => (await import("./commands/diff/command.ts")).defineDiff },
  refs: { load: async () => (await import("./commands/refs/command.ts")).defineRefs },
  tags: { load: async () => (await import("./commands/tags/command.ts")).defineTags },
  annotate: { load: async () => (await import("./commands/annotate/command.ts")).defineAnnotate },
  reproduce: { load: async () => (await import("./commands/reproduce/command.ts")).defineReproduce },
  gc: { load: async () => (await import("./commands/gc/command.ts")).defineGc },
  retention: { load: async () => (await import("./commands/retention/command.ts")).defineRetention },
  usage: { load: async () => (await import("./commands/usage/command.ts")).defineUsage },
  fsck: { load: async () => (await import("./commands/fsck/command.ts")).defineFsck },
  setup: { load: async () => (await import("./commands/setup/command.ts")).defineSetup, light: true },
  doctor: { load: async () => (await import("./commands/doctor/command.ts")).defineDoctor },
  completion: { load: async () => (await import("./commands/completion/command.ts")).defineCompletion },
  names: { load: async () => (await import("./commands/completion/names-command.ts")).defineNames, light: true },
};

export function isLight(name: string): boolean {
  return entryOf(name)?.light === true;
}

/**
 * The `ratatouille` command: with the one command of that name, which is all that a process needs to run it, or else with all of them.
 * @param finish receives the exit code of the command that was run.
 */
export async function createProgram(context: CommandContext, finish: Finish, name?: string): Promise<Command> {
  const one = name === undefined ? undefined : entryOf(name);
  const entries = one && name !== "completion" ? [one] : Object.values(commands);
  const program = baseProgram(context);
  for (const define of await Promise.all(entries.map(({ load }) => load()))) define(program, context, finish);
  return program;
}

function entryOf(name: string): Entry | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}
