import { type Command, InvalidArgumentError, Option } from "commander";

/** A command below another one: the first line of its description is its summary, and its help ends with examples. */
export function addCommand(parent: Command, usage: string, description: string, examples: string): Command {
  return parent
    .command(usage)
    .summary(description.split("\n", 1)[0] ?? "")
    .description(description)
    .addHelpText("after", `\nExamples:\n${examples}`);
}

/** Options of commands that work on the data directory themselves. */
export function local(command: Command): Command {
  return place(command).option("--trainers <number>", "trainers to start (default: one for each core)", parseTrainers);
}

/** Options of commands that talk to a system, wherever it runs. */
export function shared(command: Command): Command {
  return remote(local(command)).option("--json", "output for programs");
}

/** Options of commands that need a system only for what they name in it. */
export function optional(command: Command): Command {
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
