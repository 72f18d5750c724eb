import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../../context.ts";
import { writing } from "../../models/writing-options.ts";
import { addCommand } from "../../options.ts";
import type { AverageOptions, Setting } from "./options.ts";

/** `ratatouille average` */
export function defineAverage(program: Command, context: CommandContext, finish: (code: number) => void): void {
  writing(
    addCommand(
      program,
      "average [models...]",
      `Average models into one: exactly, with every method, as fast as the disk.

A model is a file of safetensors or PyTorch (.pth, .bin: nothing of it is run), a folder as Hugging Face has it, or a digest or name of the
catalog. Of a file of PyTorch with several state dicts FILE#NAME is one. Without --method every number is the correctly rounded mean. An
average that was interrupted goes on when the same command is run again.`,
      `  ratatouille average a.safetensors b.safetensors -o out.safetensors
  ratatouille average a b c -o out --weights 2,1,1
  ratatouille average a b -o out --method ties --base base --set density=0.5
  ratatouille average a b c -o out --method ties --base base \\
    --set density=0.5,0.5,0.8 --set lambda=0.7
  ratatouille average a b -o out --dry-run
  ratatouille average a.safetensors b.safetensors -o out.safetensors --updatable
  ratatouille average --add c.safetensors --to out.safetensors`,
    )
      .option("--method <method>", "how; ratatouille methods lists them", "linear")
      .option("--weights <numbers>", "weights of the models, with commas", parseWeights)
      .option("--set <name=value>", "a parameter of the method; with commas, one value for each model (repeatable)", addSetting)
      .option("--base <model>", "the model that the others were trained from")
      .option("--statistics <file>", "statistics of a model, in the order of the models (repeatable)", add)
      .option("--exclude <tensor>", "a tensor that is left out of the result; with *, all that fit (repeatable)", add)
      .option("--factors-apart", "merge the factors A and B of adapters each for itself, not their products")
      .option("--updatable", "keep the exact sums beside FILE.safetensors, so that members can come and go; 8 bytes a number")
      .option("--add <model>", "a member more, of an average that was made with --updatable (repeatable)", add)
      .option("--remove <model>", "a member less (repeatable)", add)
      .option("--to <file>", "the average that --add and --remove change"),
  ).action(async (models: string[], options: AverageOptions) => {
    if (options.add || options.remove || options.to !== undefined) {
      const { update } = await import("./update.ts");
      return finish(await update(models, options, context));
    }
    const { average } = await import("./average.ts");
    finish(await average(models, options, context));
  });
}

function add(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function parseWeights(text: string): number[] {
  return text.split(",").map((part) => {
    const value = Number(part);
    if (part.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("Expected numbers with commas, such as 2,1,1.");
    return value;
  });
}

function addSetting(text: string, before: readonly Setting[] = []): Setting[] {
  const [, name = "", list = ""] = /^\s*([A-Za-z]\w*)\s*=(.*)$/.exec(text) ?? [];
  const values = list.split(",").map((part) => readValue(part.trim()));
  if (name === "" || values.includes(undefined))
    throw new InvalidArgumentError("Expected name=value, such as density=0.5 or normalize=false.");
  if (before.some((setting) => setting.name === name)) throw new InvalidArgumentError(`${name} is set twice.`);
  return [...before, { name, values: values as (number | boolean)[] }];
}

function readValue(text: string): number | boolean | undefined {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined;
}
