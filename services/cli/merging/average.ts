import { type GivenParameters, type MergeRequest, type Method, methodNamed, methods } from "#libs/merging";
import type { ModelFiles } from "#libs/models";
import type { Json } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../context.ts";
import type { AverageOptions } from "./average-command.ts";
import { requireCompatible } from "./compatible.ts";
import { digestsOf } from "./digests.ts";
import { openInputs } from "./inputs.ts";
import { labelOf } from "./merge-facts.ts";
import { outputOf } from "./output.ts";
import { produce } from "./produce.ts";

/** Averages models that are named on the command line. */
export async function average(names: readonly string[], options: AverageOptions, context: CommandContext): Promise<number> {
  const method = methodOf(options.method);
  if (names.length === 0) throw new UsageError("name the models: ratatouille average a.safetensors b.safetensors -o out.safetensors");
  const given = givenBy(options, method, names.length);
  const output = await outputOf(options.out);
  const models = await openInputs(names, options, context);
  const [base] = await openInputs(options.base === undefined ? [] : [options.base], options, context);
  const statistics = await openInputs(options.statistics ?? [], options, context);
  const exclude = new Set(options.exclude ?? []);
  const { allowUnrelated = false, dtype } = options;
  const report = await requireCompatible(models, { base, exclude, allowUnrelated, mixedTypes: dtype !== undefined }, context);
  const all = [...models, ...statistics, ...(base ? [base] : [])];
  const digests = await digestsOf(all, options, context);
  const baseDigest = base && digests[all.length - 1];
  const request: MergeRequest = {
    method: method.name,
    models,
    digests: digests.slice(0, models.length),
    ...(base && baseDigest ? { base, baseDigest } : {}),
    ...(statistics.length > 0 ? { statistics, statisticsDigests: digests.slice(models.length, models.length + statistics.length) } : {}),
    parametersOf: () => given,
    exclude,
    ...(dtype === undefined ? {} : { dtype }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(output.single === undefined ? { maxShardBytes: options.maxShardSize } : { single: output.single }),
  };
  const weights = given.models?.map(({ weight }) => weight).filter((weight) => typeof weight === "number");
  return produce(
    {
      ...{ request, output, options, report },
      parameters: parametersOf(options, method),
      ...(weights?.length === models.length ? { weights } : {}),
      configuration: () => configurationOf(models, base, options, method, given),
    },
    context,
  );
}

function methodOf(name: string): Method {
  const method = methodNamed(name);
  if (method) return method;
  throw new UsageError(`--method ${name}: there is no such method; there is ${methods.map((one) => one.name).join(", ")}`);
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
      throw new UsageError(`${name === "weight" ? "--weights" : `--set ${name}`} has ${values.length} values, for ${count} models`);
  }
  const models = Array.from({ length: count }, (_, i) => Object.fromEntries(each.map(({ name, values }) => [name, values[i]!])));
  return { merge: Object.fromEntries(single.map(({ name, values }) => [name, values[0]!])), ...(each.length > 0 ? { models } : {}) };
}

/** What was asked for, in the words of a recipe. */
function parametersOf({ weights, set = [], exclude = [], dtype }: AverageOptions, { name }: Method): { [name: string]: Json } {
  const settings = Object.fromEntries(
    set.map((setting) => [setting.name, setting.values.length === 1 ? setting.values[0]! : setting.values]),
  );
  return {
    method: name,
    ...(weights === undefined ? {} : { weights }),
    ...(set.length > 0 ? { parameters: settings } : {}),
    ...(exclude.length > 0 ? { exclude: [...exclude].sort() } : {}),
    ...(dtype === undefined ? {} : { dtype }),
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
