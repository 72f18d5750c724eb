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
  return command.option("--trainers <number>", "trainers to start (default: one for each core)", trainersFrom(1));
}

/** Options of commands that start a system of their own in any case, maybe for trainers of others. */
export function local(command: Command): Command {
  const description = "trainers to start; 0 for those of others alone (default: one for each core)";
  return place(command).option("--trainers <number>", description, trainersFrom(0));
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

function trainersFrom(least: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= least && count <= 256) return count;
    throw new InvalidArgumentError(`Expected a number from ${least} to 256.`);
  };
}
