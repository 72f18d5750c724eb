import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import type { CompatibilityReport, Method } from "#libs/merging";
import { INDEX_NAME, type ModelFiles, recipeName } from "#libs/models";
import type { Digest, Json } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../context.ts";
import { foundationOf, licenceOf, type MergeFacts, parentOf, recipeText } from "./merge-facts.ts";
import { folderFiles } from "./model-folder.ts";
import type { WritingOptions } from "./options.ts";
import { type Output, pathIn } from "./output.ts";
import { showReading } from "./progress.ts";
import { rememberDigests } from "./remember-digests.ts";
import { sayEstimate, sayResult } from "./say.ts";
import {
  dropSideFiles,
  existing,
  existsSentence,
  isOneOf,
  publishSideFiles,
  removeOtherWeights,
  type SideFile,
  stageSideFiles,
  wasBegun,
} from "./side-files.ts";
import type { Done, Work } from "./work.ts";

/** A model to be made, and what is said of it. */
export type Production = {
  readonly work: Work;
  readonly method: Pick<Method, "name" | "title" | "formula" | "paper">;
  readonly models: readonly ModelFiles[];
  /** The weights' digest of each model. */
  readonly digests: readonly Digest[];
  readonly base?: ModelFiles | undefined;
  readonly baseDigest?: Digest | undefined;
  readonly output: Output;
  readonly options: WritingOptions;
  /** What the check of the models has said. */
  readonly report: CompatibilityReport;
  /** What was asked for, for the recipe. */
  readonly parameters: { readonly [name: string]: Json };
  /** Of the models, in their order, where they have weights: for the model card. */
  readonly weights?: readonly number[] | undefined;
  /** The same as a configuration for `ratatouille merge`, as YAML. */
  readonly configuration?: (() => string | Promise<string>) | undefined;
  /** The model that config.json and what belongs to it are copied from; by default the base, or the first that is a folder. */
  readonly donor?: ModelFiles;
  /** Changes the files that go beside the weights of a folder. */
  readonly adjust?: (files: readonly SideFile[]) => Promise<SideFile[]>;
};

/** What was done, and how long it took. */
export type Produced = Done & { readonly seconds: number };

/**
 * Makes a model: the weights, and what goes with them. With `--dry-run` it says what would be done. Tells the result.
 * What was interrupted goes on when the same is asked for again.
 * @returns the exit code
 * @throws Error if the output is there; what the work throws
 */
export async function produce(production: Production, context: CommandContext): Promise<number> {
  const { work, output, options } = production;
  const threads = options.threads ?? availableParallelism();
  if (options.dryRun) {
    context.stdout.write(sayEstimate(work.needs(threads), production, threads));
    return 0;
  }
  const names = namesOf(work, output);
  const begun = await wasBegun(output, work.key);
  const taken = await existing(output, names);
  if (taken.length > 0 && !options.force && !begun) throw new Error(existsSentence(output, taken));
  await refuseInputs(work, output);

  const facts = await factsOf(production);
  const files = await filesOf(facts, production);
  if (!begun && !options.force) await refuseOthers(output, files);
  const made = await stageSideFiles(output, work.key, files, options.fsync);
  const drop = () => dropSideFiles(output, work.key, files, made);
  const result = await run(production, drop, threads, begun, context);
  await publishSideFiles(output, work.key, files, options.fsync);
  await removeOtherWeights(output, names);
  await rememberDigests(result.files, output);
  context.stdout.write(sayResult(result, production, facts));
  return 0;
}

/** The weights of an output, and what says where they are. */
function namesOf({ outputs, beside = [], index, config }: Work, output: Output): string[] {
  return [
    ...outputs.map(({ name }) => name),
    ...beside,
    ...(index === undefined ? [] : [INDEX_NAME]),
    ...(config === undefined ? [] : ["adapter_config.json"]),
    ...(output.single ? [recipeName(output.single)] : []),
  ];
}

/** Other files of a folder that would be overwritten: a README.md of somebody's project, for example. */
async function refuseOthers(output: Output, files: readonly SideFile[]): Promise<void> {
  const taken = await existing(
    output,
    files.map(({ name }) => name),
  );
  if (taken.length > 0) throw new Error(existsSentence(output, taken));
}

async function refuseInputs({ inputs, outputs }: Work, output: Output): Promise<void> {
  const identities = inputs.map(({ identity }) => identity);
  for (const { name } of outputs) {
    const path = pathIn(output, name);
    if (await isOneOf(path, identities)) throw new UsageError(`${path} is one of the inputs; write to another place`);
  }
}

async function run(
  { work, output, options, models }: Production,
  drop: () => Promise<void>,
  threads: number,
  begun: boolean,
  { signal, stderr }: CommandContext,
): Promise<Produced> {
  const began = performance.now();
  let share = 0;
  try {
    using display = showReading(`merging ${models.length} models`, stderr, options.quiet === true);
    const done = await work.run({
      directory: output.directory,
      threads,
      fsync: options.fsync,
      force: options.force === true || begun,
      signal,
      onProgress(progress) {
        share = progress.totalBytes > 0 ? progress.readBytes / progress.totalBytes : 0;
        display.update(progress);
      },
    });
    return { ...done, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    if (signal.aborted) stderr.write(interruptedSentence(work, share));
    // Files of the same name and content belong to the other process that is making the same.
    const busy = (error as { readonly kind?: string }).kind === "busy";
    if (!busy && !(signal.aborted && work.resumes)) await drop();
    throw error;
  }
}

function interruptedSentence({ resumes }: Work, share: number): string {
  return resumes
    ? `interrupted at ${Math.floor(100 * share)} %; the same command goes on from there\n`
    : "interrupted; nothing was written\n";
}

async function factsOf(production: Production): Promise<MergeFacts> {
  const { work, method, models, digests, base, baseDigest, report, parameters, configuration, weights } = production;
  const foundation = foundationOf(models);
  return {
    method,
    models: models.map((model, i) => parentOf(model, digests[i]!, weights?.[i])),
    ...(base && baseDigest ? { base: parentOf(base, baseDigest) } : {}),
    parameters,
    ...(work.seed === undefined ? {} : { seed: work.seed }),
    arithmetic: work.arithmetic,
    dtype: work.dtype,
    licence: licenceOf(report, base ? [...models, base] : models),
    ...(foundation === undefined ? {} : { foundation }),
    configuration: await configuration?.(),
  };
}

async function filesOf(facts: MergeFacts, { work, models, base, output, donor, adjust }: Production): Promise<SideFile[]> {
  if (output.single !== undefined) return [{ name: recipeName(output.single), content: recipeText(facts) }];
  const sources = [...(donor ? [donor] : []), ...(base ? [base] : []), ...models];
  const isAdapter = work.outputs[0]?.name === "adapter_model.safetensors";
  const files = await folderFiles(facts, { name: basename(resolve(output.path)), sources, index: work.index, isAdapter });
  // Where factors are merged apart, the ranks are those of every member.
  const config = isAdapter && work.config === undefined ? models[0]?.config : undefined;
  if (config !== undefined) return [{ name: "adapter_config.json", content: `${JSON.stringify(config, null, 2)}\n` }, ...files];
  return adjust === undefined ? files : adjust(files);
}
