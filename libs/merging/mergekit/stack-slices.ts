import { LAYER_COUNTS, type LayerOf, type ModelFiles } from "#libs/models";
import type { MergekitConfig, Slice, Source } from "./config.ts";
import type { ConfigProblem } from "./errors.ts";
import { depth, isBeforeLayers, layerOf, type Stack, stacksOf } from "./layers.ts";
import { problemAt, type Roles } from "./roles.ts";

/** A tensor of a model that goes into the result. */
export type Input = { readonly source: Source; readonly tensor: string };

/** A tensor of the result, and what it is made of. */
export type StackedTensor = { readonly name: string; readonly sources: readonly Input[]; readonly base?: Input };

/** What the parameters of a tensor depend on. */
export type TensorContext = { readonly slice: Slice; readonly t: number; readonly inputs: readonly Input[] };

/** The tensors of a result whose layers are those of slices, one after another. */
export type StackedSlices = {
  readonly tensors: readonly StackedTensor[];
  readonly contexts: ReadonlyMap<string, TensorContext>;
  readonly problems: readonly ConfigProblem[];
  /** Which layer of its first source each layer of the result is, in order. */
  readonly layers: readonly LayerOf[];
};

/**
 * Stacks layers: those of the first slice become layers 0, 1, …, those of the next follow. What comes before the layers (embeddings) is
 * made as the first slice says, what comes after (norm, head) as the last. A layer that one source has with other tensors than the
 * next is not repaired here: planning the merge names what is missing where.
 */
export function stackSlices(config: MergekitConfig, roles: readonly Roles[], modelOf: (source: Source) => ModelFiles): StackedSlices {
  const problems: ConfigProblem[] = [];
  const stacks = new Map<string, Stack>();
  for (const source of roles.flatMap(sourcesOf)) {
    const { text } = source.reference;
    const stack = stacks.get(text) ?? mainStack(modelOf(source), source);
    if ("message" in stack) problems.push(stack);
    else {
      stacks.set(text, stack);
      const [from, to] = source.layers!;
      const { line } = source.reference;
      if (to > stack.count)
        problems.push(
          problemAt(
            source.reference,
            `\`layer_range\` of \`${text}\` at line ${line} is [${from}, ${to}], and the model has ${stack.count} layers`,
          ),
        );
    }
  }
  if (problems.length > 0) return { tensors: [], contexts: new Map(), problems, layers: [] };

  const tensors: StackedTensor[] = [];
  const contexts = new Map<string, TensorContext>();
  const stackOf = (source: Source) => stacks.get(source.reference.text)!;
  const add = (name: string, { models, base }: Roles, nameIn: (source: Source) => string, slice: Slice, t: number) => {
    const inputs = models.map((source) => ({ source, tensor: nameIn(source) }));
    tensors.push({ name, sources: inputs, ...(base === undefined ? {} : { base: { source: base, tensor: nameIn(base) } }) });
    contexts.set(name, { slice, t, inputs });
  };
  const outside = (role: Roles, slice: Slice, before: boolean) => {
    for (const name of unionOf(sourcesOf(role), (source) => outsideLayers(modelOf(source), stackOf(source))))
      if (isBeforeLayers(name) === before) add(name, role, () => name, slice, 0);
  };

  outside(roles[0]!, config.slices[0]!, true);
  const { prefix } = stackOf(sourcesOf(roles[0]!)[0]!);
  const namesAt = layerNames(modelOf, stackOf);
  const layers: LayerOf[] = [];
  for (const [i, role] of roles.entries()) {
    const slice = config.slices[i]!;
    const sources = sourcesOf(role);
    const [from, to] = sources[0]!.layers!;
    for (let step = 0; step < to - from; step++) {
      const at = (source: Source) => source.layers![0] + step;
      for (const rest of unionOf(sources, (source) => namesAt(source, at(source))))
        add(
          `${prefix}${layers.length}.${rest}`,
          role,
          (source) => `${stackOf(source).prefix}${at(source)}.${rest}`,
          slice,
          depth(step, to - from),
        );
      layers.push({ model: modelOf(sources[0]!), layer: at(sources[0]!) });
    }
  }
  outside(roles.at(-1)!, config.slices.at(-1)!, false);
  return { tensors, contexts, problems, layers };
}

function sourcesOf({ models, base }: Roles): Source[] {
  return base === undefined ? [...models] : [...models, base];
}

/** The layers that layer_range counts. */
function mainStack(model: ModelFiles, { reference }: Source): Stack | ConfigProblem {
  const stacks = stacksOf(model);
  const label = `\`${reference.text}\` at line ${reference.line}`;
  if (stacks.length === 0)
    return problemAt(reference, `${label} has no layers that are named like model.layers.0, which \`layer_range\` could count`);
  if (stacks.length === 1) return stacks[0]!;
  const counts = LAYER_COUNTS.map((key) => model.config?.[key]).filter((count) => typeof count === "number");
  const [main, ...others] = stacks.filter(({ count }) => count > 1 && (counts.length === 0 || counts.includes(count)));
  if (main !== undefined && others.length === 0 && stacks.every((one) => one === main || one.count === 1)) return main;
  const names = stacks.map(({ prefix, count }) => `${prefix}* (${count})`).join(", ");
  return problemAt(reference, `${label} has several stacks of layers, ${names}: \`slices\` are for models with one`);
}

function outsideLayers({ tensors }: ModelFiles, stack: Stack): string[] {
  return [...tensors.keys()].filter((name) => layerOf([stack], name) === undefined);
}

/** The names of tensors in a layer of a model. Each model is looked through once. */
function layerNames(
  modelOf: (source: Source) => ModelFiles,
  stackOf: (source: Source) => Stack,
): (source: Source, layer: number) => readonly string[] {
  const known = new Map<string, string[][]>();
  return (source, layer) => {
    let layers = known.get(source.reference.text);
    if (layers === undefined) {
      layers = [];
      for (const name of modelOf(source).tensors.keys()) {
        const found = layerOf([stackOf(source)], name);
        if (found === undefined) continue;
        const rest = layers[found.index] ?? [];
        layers[found.index] = rest;
        rest.push(found.rest);
      }
      known.set(source.reference.text, layers);
    }
    return layers[layer] ?? [];
  };
}

function unionOf(sources: readonly Source[], namesOf: (source: Source) => readonly string[]): Set<string> {
  return new Set(sources.flatMap(namesOf));
}
