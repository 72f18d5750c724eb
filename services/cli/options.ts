import { type Command, InvalidArgumentError, Option } from "commander";

/** Receives the exit code of the command that was run. */
export type Finish = (code: number) => void;

/**
 * A command below another one: the first paragraph of its description is its summary, and its help ends with examples. Line breaks inside
 * a paragraph are those of the source: the help is wrapped to the terminal, once.
 */
export function addCommand(parent: Command, usage: string, description: string, examples: string): Command {
  const paragraphs = description.split(/\n{2,}/).map((paragraph) => paragraph.replaceAll("\n", " ").trim());
  return parent
    .command(usage)
    .summary(paragraphs[0] ?? "")
    .description(paragraphs.join("\n\n"))
    .addHelpText("after", `\nExamples:\n${examples}`);
}

/** What commander runs for a command: its exit code is passed on. */
export function runs<A extends unknown[]>(finish: Finish, action: (...args: A) => Promise<number>): (...args: A) => Promise<void> {
  return async (...args) => finish(await action(...args));
}

/** Options of commands whose work needs trainers, where they start a system of their own. */
export function trains(command: Command): Command {
  return command.option("--trainers <number>", "trainers to start (default: one for each core)", parseTrainers);
}

/** Options of commands that start a system of their own in any case. */
export function local(command: Command): Command {
  return trains(place(command));
}

/** Options of commands that talk to a system, wherever it runs. */
export function shared(command: Command): Command {
  return remote(place(command)).option("--json", "output for programs");
}

function place(command: Command): Command {
  return command
    .addOption(new Option("--data <directory>", "data directory").env("RATATOUILLE_DATA").default(".ratatouille"))
    .addOption(new Option("--token <token>", "bearer token; others on this machine can see it here").env("RATATOUILLE_TOKEN"))
    .option("--token-file <file>", "a file with the bearer token, instead");
}

function remote(command: Command): Command {
  return command
    .addOption(new Option("--server <host:port>", "a running system; without it the one of the data directory").env("RATATOUILLE_SERVER"))
    .option("--ca <file>", "certificate authority of the server (PEM); use TLS");
}

function parseTrainers(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 256) throw new InvalidArgumentError("Expected a number from 1 to 256.");
  return count;
}
