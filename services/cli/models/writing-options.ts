import { type Command, InvalidArgumentError, Option } from "commander";
import { isDtype } from "#libs/tensors";
import type { GlobalOptions } from "../context.ts";
import { shared } from "../options.ts";

/** Types that averages are written in. */
export type OutputDtype = "F64" | "F32" | "F16" | "BF16";

/** Options of commands that write a model. */
export type WritingOptions = GlobalOptions & {
  readonly out?: string;
  readonly dtype?: OutputDtype;
  readonly seed?: number;
  readonly maxShardSize: number;
  readonly threads?: number;
  readonly fsync: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly allowUnrelated?: boolean;
  readonly quiet?: boolean;
};

/** Adds the options of commands that write a model. */
export function writing(command: Command): Command {
  command
    .option("-o, --out <path>", "what to write: FILE.safetensors, or a folder as Hugging Face has it")
    .addOption(new Option("--dtype <type>", "type of the numbers that are written (default: that of the models)").argParser(parseDtype))
    .option("--seed <number>", "for methods that draw random numbers (default: 0)", (text) => whole(text, 0, 2 ** 32 - 1))
    .addOption(new Option("--max-shard-size <size>", "no file of a folder is larger").argParser(parseSize).default(5e9, "5GB"))
    .option("--threads <number>", "threads (default: one for each core)", (text) => whole(text, 1, 256))
    .option("--no-fsync", "do not wait until the disk has it: faster, but a power cut may lose it")
    .option("--force", "overwrite what is there")
    .option("--dry-run", "say what would be read, written and needed, and do nothing")
    .option("--allow-unrelated", "also models without a common foundation model")
    .option("--quiet", "no progress");
  return shared(command);
}

/** A whole number within bounds. @throws InvalidArgumentError */
export function whole(text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max)
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  return value;
}

const dtypeNames: { readonly [name: string]: OutputDtype } = {
  ...{ f64: "F64", float64: "F64", f32: "F32", float32: "F32" },
  ...{ f16: "F16", float16: "F16", bf16: "BF16", bfloat16: "BF16" },
};

function parseDtype(text: string): OutputDtype {
  const name = text.toLowerCase();
  const dtype = Object.hasOwn(dtypeNames, name) ? dtypeNames[name] : undefined;
  if (dtype !== undefined) return dtype;
  const known = isDtype(text.toUpperCase()) ? " Averages are not written in that type." : "";
  throw new InvalidArgumentError(`Expected float32, bfloat16, float16 or float64.${known}`);
}

const units: { readonly [unit: string]: number } = {
  ...{ "": 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 },
};

/** Bytes, as Hugging Face writes sizes: 5GB, 500MB, 2GiB. */
function parseSize(text: string): number {
  const [, number = "", unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const bytes = Number(number) * (units[unit.toUpperCase()] ?? Number.NaN);
  if (number === "" || !(bytes >= 1)) throw new InvalidArgumentError("Expected a size such as 5GB, 500MB or 2GiB.");
  return Math.floor(bytes);
}
