import type { Argument, Command, Option } from "commander";
import { type Values, valuesOfArgument, valuesOfOption } from "./values.ts";

/** A command, as its completion sees it. */
export type Place = {
  /** Its words without the first: "" or "jobs list". */
  readonly path: string;
  readonly commands: readonly Described[];
  readonly options: readonly (Described & { readonly values?: Values })[];
  /** What its arguments are. */
  readonly values: Values;
};

type Described = { readonly name: string; readonly summary: string };

const free: Values = { kind: "free" };

/** A command and all below it, but for what help does not name. @throws Error for a placeholder without values */
export function placesOf(command: Command, path = ""): Place[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const [argument] = command.registeredArguments;
  const options = help.visibleOptions(command).flatMap(describe);
  const commands = below.map((child) => ({ name: child.name(), summary: firstSentence(child.summary() || child.description()) }));
  const values = argument ? valuesOf(argument) : free;
  return [{ path, commands, options, values }, ...below.flatMap((child) => placesOf(child, `${path} ${child.name()}`.trim()))];
}

function valuesOf(argument: Argument): Values {
  const { argChoices } = argument;
  return argChoices ? { kind: "words", words: argChoices } : known(valuesOfArgument(argument.name()), argument.name());
}

function describe({ long, short, flags, description }: Option): Place["options"] {
  const [, placeholder] = /[<[](.+?)(?:\.\.\.)?[>\]]/.exec(flags.replace(",...", "")) ?? [];
  const values = placeholder === undefined ? {} : { values: known(valuesOfOption(placeholder), placeholder) };
  return [long, short].flatMap((name) => (name ? [{ name, summary: firstSentence(description), ...values }] : []));
}

function known(values: Values | undefined, placeholder: string): Values {
  if (!values) throw new Error(`completion does not know what <${placeholder}> stands for`);
  return values;
}

/** One short line without what shells could take for their own. */
function firstSentence(text: string): string {
  const [sentence = ""] = text.split(/[.;:(\n]/);
  return sentence.replace(/[^\w ,/=-]/g, "").trim();
}
