import {
  adapterMean,
  adapterMethod,
  areAdapters,
  digestsLater,
  labelOf,
  type PreparedMerge,
  prepareMerge,
  requireLikeFactors,
  stemFor,
  withSums,
} from "#libs/merged-models";
import {
  excludedNames,
  type GivenParameters,
  type MergeRequest,
  type Method,
  methodNamed,
  namesOfMethods,
  startMergeThreads,
} from "#libs/merging";
import { type Output, outputOf, refuseExisting } from "#libs/model-folders";
import type { ModelFiles } from "#libs/models";
import type { Digest, Json } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import { counted, didYouMean } from "#libs/text";
import { type CommandContext, useTarget } from "../../context.ts";
import { requireCompatible } from "../../models/compatible.ts";
import { showDigests } from "../../models/digests.ts";
import { openInputs } from "../../models/inputs.ts";
import { settledHeads } from "../../models/settled-heads.ts";
import { writeMerged } from "../../models/write-merged.ts";
import type { AverageOptions } from "./options.ts";

/** Averages models that are named on the command line. */
export async function average(names: readonly string[], options: AverageOptions, context: CommandContext): Promise<number> {
  const method = methodOf(options.method);
  if (names.length === 0) throw new UsageError("name the models: ratatouille average a.safetensors b.safetensors -o out.safetensors");
  const given = givenBy(options, method, names.length);
  const output = await outputOf(options.out);
  await refuseExisting(output, options, (recipe) => recipe.method === method.name && recipe.models === names.length);
  const first = await openInputs(names.slice(0, 1), options, context);
  using _ahead = startThreadsFor(first[0]!, names.length, options);
  const opened = [...first, ...(await openInputs(names.slice(1), options, context))];
  const [openedBase] = await openInputs(options.base === undefined ? [] : [options.base], options, context);
  const exclude = excludedNames(options.exclude ?? [], openedBase === undefined ? opened : [...opened, openedBase]);
  const { models, base, heads } = await settledHeads(opened, openedBase, exclude);
  const statistics = await openInputs(options.statistics ?? [], options, context);
  const factors = areAdapters(models);
  const adapters = factors && !options.factorsApart;
  if (factors && !adapters) requireLikeFactors(models);
  const report = await requireCompatible(models, { base, exclude, heads, ...checked(options) }, context);
  const all = [...models, ...statistics, ...(base ? [base] : [])];
  const inputsWith = (digests: readonly Digest[]): Inputs => ({
    ...{ models, base, statistics },
    digests: digests.slice(0, models.length),
    statisticsDigests: digests.slice(models.length, models.length + statistics.length),
    baseDigest: base && digests.at(-1),
  });
  const requestWith = (inputs: Inputs) => requestOf(inputs, method, given, { ...options, exclude: [...exclude] }, output);
  const keyWith = (digests: readonly Digest[]) => prepareMerge(requestWith(inputsWith(digests))).key;
  await using later =
    adapters || method.random || options.updatable || options.dryRun || options.server !== undefined
      ? undefined
      : await digestsLater(all, output, keyWith, { threads: options.threads, signal: context.signal });
  const inputs = inputsWith(later?.provisional ?? (await showDigests(all, options, context)));
  const request = requestWith(inputs);
  const plain = adapters
    ? adapterMean({ ...inputs, adapters: models }, given, { ...options, exclude: [...exclude], method: method.name }, output)
    : prepareMerge(request);
  const parameters = parametersOf({ ...options, exclude: [...exclude] }, method);
  const runnable = options.server === undefined ? plain : await remotely(plain, request, parameters, options, context);
  const whole = options.updatable ? withSums(runnable, request, output) : runnable;
  const merge = later?.counting(whole) ?? whole;
  const settle = later && (async () => settledBy(await later.digests, inputsWith, keyWith));
  const weights = given.models?.map(({ weight }) => weight).filter((weight) => typeof weight === "number");
  // Awaited here: what was begun ahead ends when this returns.
  return await writeMerged(
    {
      ...{ merge, models, digests: inputs.digests, base, baseDigest: inputs.baseDigest, output, report, settle },
      method: adapters ? adapterMethod : method,
      ...{ parameters, tied: heads.tied },
      weights: weights?.length === models.length ? weights : undefined,
      configuration: adapters ? undefined : () => configurationOf(models, base, options, method, given),
    },
    options,
    context,
  );
}

function settledBy(
  digests: readonly Digest[],
  inputsWith: (digests: readonly Digest[]) => Inputs,
  keyWith: (digests: readonly Digest[]) => string,
) {
  const { digests: own, baseDigest } = inputsWith(digests);
  return { digests: own, baseDigest, key: keyWith(digests) };
}

/** Threads that load while the other models are opened and all is planned. */
function startThreadsFor({ kind, files }: ModelFiles, count: number, { threads, dryRun, server }: AverageOptions): Disposable {
  const isElsewhere = kind === "adapter" || dryRun || server !== undefined;
  return startMergeThreads(isElsewhere ? 0 : count * files.reduce((sum, { size }) => sum + size, 0), threads);
}

/** The same merge, run by the server that is named. */
async function remotely(
  merge: PreparedMerge,
  request: MergeRequest,
  parameters: { readonly [name: string]: Json },
  options: AverageOptions,
  context: CommandContext,
): Promise<PreparedMerge> {
  // With it comes gRPC, which others do not wait for.
  const { remoteMerge } = await import("#libs/remote-models");
  const channel = async () => (await useTarget(context, options)).channel;
  return remoteMerge(merge, { request, parameters, allowUnrelated: options.allowUnrelated === true }, channel);
}

type Inputs = Required<Pick<MergeRequest, "models" | "digests" | "statistics" | "statisticsDigests">> & {
  readonly base: ModelFiles | undefined;
  readonly baseDigest: Digest | undefined;
};

function checked({ allowUnrelated = false, dtype }: AverageOptions) {
  return { allowUnrelated, mixedTypes: dtype !== undefined };
}

function requestOf(
  { models, digests, base, baseDigest, statistics, statisticsDigests }: Inputs,
  method: Method,
  given: GivenParameters,
  { dtype, seed, exclude, maxShardSize, factorsApart }: AverageOptions,
  { single }: Output,
): MergeRequest {
  const adapter = factorsApart ? "adapter_model.safetensors" : undefined;
  const one = single ?? adapter;
  return {
    ...{ method: method.name, models, digests },
    ...(base && baseDigest ? { base, baseDigest } : {}),
    ...(statistics.length > 0 ? { statistics, statisticsDigests } : {}),
    parametersOf: () => given,
    exclude: new Set(exclude),
    ...(dtype === undefined ? {} : { dtype }),
    ...(seed === undefined ? {} : { seed }),
    ...(one === undefined ? { maxShardBytes: maxShardSize, ...stemFor(base ? [base, ...models] : models) } : { single: one }),
  };
}

function methodOf(name: string): Method {
  const method = methodNamed(name);
  if (method) return method;
  throw new UsageError(`--method ${name}: there is no such method; ${didYouMean(name, namesOfMethods(), "ratatouille methods lists all")}`);
}

/** What --weights and --set give: one value for the merge, or one for each model. @throws UsageError if they are not as many as the models */
function givenBy({ weights, set = [] }: AverageOptions, method: Method, count: number): GivenParameters {
  const settings = weights === undefined ? set : [...set, { name: "weight", values: weights }];
  if (weights !== undefined && set.some(({ name }) => name === "weight"))
    throw new UsageError("--weights and --set weight exclude each other");
  if (weights !== undefined && !method.parameters.some(({ name }) => name === "weight"))
    throw new UsageError(`--weights: ${method.name} has no weights`);
  const single =
    weights === undefined ? settings.filter(({ values }) => values.length === 1) : set.filter(({ values }) => values.length === 1);
  const each = settings.filter((setting) => !single.includes(setting));
  for (const { name, values } of each) {
    if (values.length !== count)
      throw new UsageError(
        `${name === "weight" ? "--weights" : `--set ${name}`} has ${counted(values.length, "value")}, for ${counted(count, "model")}`,
      );
  }
  const models = Array.from({ length: count }, (_, i) => Object.fromEntries(each.map(({ name, values }) => [name, values[i]!])));
  return { merge: Object.fromEntries(single.map(({ name, values }) => [name, values[0]!])), ...(each.length > 0 ? { models } : {}) };
}

/** What was asked for, in the words of a recipe. */
function parametersOf(
  { weights, set = [], exclude = [], dtype, factorsApart }: AverageOptions,
  { name }: Method,
): { [name: string]: Json } {
  const settings = Object.fromEntries(
    set.map((setting) => [setting.name, setting.values.length === 1 ? setting.values[0]! : setting.values]),
  );
  return {
    method: name,
    ...(weights === undefined ? {} : { weights }),
    ...(set.length > 0 ? { parameters: settings } : {}),
    ...(exclude.length > 0 ? { exclude: [...exclude].sort() } : {}),
    ...(dtype === undefined ? {} : { dtype }),
    ...(factorsApart ? { factors: "apart" } : {}),
  };
}

const torchNames = { F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

async function configurationOf(
  models: readonly ModelFiles[],
  base: ModelFiles | undefined,
  { dtype, seed }: AverageOptions,
  method: Method,
  given: GivenParameters,
): Promise<string> {
  const { stringify } = await import("yaml");
  const { merge = {} } = given;
  return stringify({
    models: models.map((model, i) => ({ model: labelOf(model), ...(given.models ? { parameters: given.models[i] } : {}) })),
    merge_method: method.name,
    ...(base ? { base_model: labelOf(base) } : {}),
    ...(Object.keys(merge).length > 0 ? { parameters: merge } : {}),
    ...(seed === undefined ? {} : { random_seed: seed }),
    ...(dtype === undefined ? {} : { dtype: torchNames[dtype] }),
  });
}
