import { stat } from "node:fs/promises";
import { excludedBy, isRecipeOf, readRecipe, recipeWith, sumsPathOf } from "#libs/merged-models";
import { openSums, prepareUpdate, type SumMember, type SumsFile } from "#libs/merging";
import { lockOutput, outputOf, publishSideFiles, rememberDigests, requireWritableOutput, stageSideFiles } from "#libs/model-folders";
import { type ModelFiles, openDigestCache, openModel, recipeName, weightsDigest } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import { counted, plural } from "#libs/text";
import type { CommandContext } from "../../context.ts";
import { bytes, duration } from "../../format.ts";
import { requireCompatible } from "../../models/compatible.ts";
import { showDigests } from "../../models/digests.ts";
import { openInputs } from "../../models/inputs.ts";
import { showReading } from "../../models/reading-display.ts";
import type { OutputDtype } from "../../models/writing-options.ts";
import type { AverageOptions } from "./options.ts";

/**
 * Adds members to an average, or takes them away, by the exact sums beside it: at the cost of the members that change. The bytes are those
 * of the average of all at once. The sums are replaced first, then the weights; what is interrupted between is finished by the same command.
 */
export async function update(names: readonly string[], options: AverageOptions, context: CommandContext): Promise<number> {
  const { add = [], remove = [], threads, fsync, force = false } = options;
  const { signal } = context;
  const { to, output, single } = await placeOf(names, options);
  const path = sumsPathOf(to);
  await openedSums(path, to);
  await requireWritableOutput(output);
  // What is read from here on nobody else changes before all of it is written.
  await using _lock = await lockOutput(output);
  const sums = await openedSums(path, to);
  const models = await openInputs([...add, ...remove], options, context);
  const before = await readRecipe(to);
  const exclude = excludedBy(before);
  const now = await currentOutput(to, sums, signal);
  const compared = now.model ? [now.model, ...models] : models;
  const report = await requireCompatible(compared, { exclude, allowUnrelated: options.allowUnrelated === true, mixedTypes: true }, context);
  const members = membersOf(models, await showDigests(models, options, context), add.length, options.weights, sums);
  const done = isDone(members, sums) && !(now.matches && isRecipeOf(before, sums));
  if (!now.matches && !done && !force)
    throw new Error(`${to} is not the average that ${path} belongs to: somebody changed it; --force writes it anew`);

  const began = performance.now();
  const common = { threads, signal, exclude, members: done ? [] : members };
  using display = showReading(`updating ${to}`, context.stderr, options.quiet === true);
  await using updated = await prepareUpdate({
    ...{ ...common, sums: path, to: path, divisor: "sum", dtype: options.dtype ?? now.dtype, onProgress: display.update },
    output: { directory: output.directory, single, force: true, fsync },
  });
  const { readBytes, redone, files } = updated.result;
  const { digest, size } = files[0]!;
  const folded = await updated.publishSums();
  const recipe = [{ name: recipeName(single), content: recipeWith(before, folded, members, report) }];
  await stageSideFiles(output, digest.slice(7), recipe);
  await updated.publish();
  await publishSideFiles(output, digest.slice(7), recipe, fsync);
  await rememberDigests(files, output);
  const seconds = (performance.now() - began) / 1000;
  const facts = { out: to, files: [{ path: to, size, digest }], members: folded.count, readBytes, seconds, redone };
  const text = `${to}  ${digest}\n${counted(folded.count, "model")}, linear; ${bytes(size)} in ${duration(1000 * seconds)}\n`;
  context.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : text);
  return 0;
}

/** What is changed. @throws UsageError unless --to names an average in one file, and nothing else names anything */
async function placeOf(names: readonly string[], { to, out }: AverageOptions) {
  if (to === undefined) throw new UsageError("--add and --remove change an average: name it with --to FILE.safetensors");
  if (out !== undefined) throw new UsageError("--add and --remove write to what --to names: leave -o out");
  if (names.length > 0)
    throw new UsageError(`what is in ${to} is in its sums: name only what comes (--add) or goes (--remove), not ${names[0]}`);
  const output = await outputOf(to);
  if (output.single === undefined) throw new UsageError(`--to ${to}: only an average in one file can be changed, FILE.safetensors`);
  return { to, output, single: output.single };
}

async function openedSums(path: string, to: string): Promise<SumsFile> {
  if (!(await stat(path).catch(() => undefined)))
    throw new UsageError(`there are no sums beside ${to} (${path}): average its members again with --updatable, which keeps them`);
  return openSums(path);
}

function membersOf(
  models: readonly ModelFiles[],
  digests: readonly Digest[],
  added: number,
  weights: readonly number[] | undefined,
  sums: SumsFile,
): SumMember[] {
  if (weights !== undefined && weights.length !== added)
    throw new UsageError(
      `--weights has ${counted(weights.length, "value")}, and ${counted(added, "model")} ${plural(added, "is", "are")} added`,
    );
  return models.map((model, i) => {
    const digest = digests[i]!;
    if (i < added) return { model, digest, weight: weights?.[i] ?? 1 };
    // It goes with the weight that it came with.
    const listed = sums.members?.find((member) => member.digest === digest);
    return { model, digest, weight: listed?.weight ?? 1, remove: true };
  });
}

/** Whether the sums have everything that is asked for: an update was interrupted after them. */
function isDone(members: readonly SumMember[], { members: listed = [] }: SumsFile): boolean {
  return members.every(({ digest, remove = false }) => listed.some((member) => member.digest === digest) !== remove);
}

type Current = { readonly model: ModelFiles | undefined; readonly matches: boolean; readonly dtype: OutputDtype | undefined };

/** The average as it is now: whether it is the one that the sums say, and its type where that is not the members' own. */
async function currentOutput(to: string, { output, layout }: SumsFile, signal: AbortSignal): Promise<Current> {
  if (!(await stat(to).catch(() => undefined))) return { model: undefined, matches: false, dtype: undefined };
  const model = await openModel(to);
  const summed = layout.find(({ rule }) => rule === "sum");
  const dtype = summed && model.tensors.get(summed.name)?.dtype;
  const other = dtype !== summed?.dtype && (dtype === "F32" || dtype === "F16" || dtype === "BF16" || dtype === "F64");
  return {
    model,
    matches: output === undefined || (await weightsDigest(model, { cache: openDigestCache(), signal })) === output,
    dtype: other ? dtype : undefined,
  };
}
