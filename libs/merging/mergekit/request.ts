import type { LayerOf, ModelFiles } from "#libs/models";
import type { Digest } from "#libs/recipes";
import type { Method } from "../method.ts";
import { methodNamed } from "../methods/index.ts";
import type { GivenParameters, MergeRequest } from "../plan/index.ts";
import type { MergekitConfig, Reference, Settings, Slice, Source } from "./config.ts";
import { type ConfigProblem, MergekitError } from "./errors.ts";
import { depthOf, stacksOf } from "./layers.ts";
import { referencesOf } from "./reference-list.ts";
import { problemAt, type Roles, rolesOf } from "./roles.ts";
import { hasGradient, resolveParameter } from "./settings.ts";
import { stackSlices } from "./stack-slices.ts";

/** A model that a configuration names, opened; its adapter is applied where it has one. */
export type OpenedModel = { readonly model: ModelFiles; readonly digest: Digest };

/** What a configuration asks for. */
export type MergekitRequest = {
  readonly request: MergeRequest;
  /** What is accepted and has no effect, one sentence each. */
  readonly notes: readonly string[];
  /** The model that config.json and the tokenizer are from unless the configuration says otherwise: the base, or the first. */
  readonly donor: ModelFiles;
  /** All models by the text that names them, in the order in which they are first named. */
  readonly models: ReadonlyMap<string, ModelFiles>;
  /** Which layer of which model each layer of the result is from, where layers are stacked. */
  readonly layers?: readonly LayerOf[];
};

/**
 * Turns a configuration into a request for `planMerge`.
 * @param open gives the model of a name. It is called once for each.
 * @throws MergekitError with every reason that is found in the configuration together with the models.
 */
export async function requestOfMergekit(
  config: MergekitConfig,
  open: (reference: Reference) => Promise<OpenedModel>,
): Promise<MergekitRequest> {
  const method = methodNamed(config.method.name)!;
  const found = config.slices.map((slice) => rolesOf(config, slice, method));
  const problems = found.filter((one): one is ConfigProblem => "message" in one);
  if (problems.length > 0) throw new MergekitError(config.path, problems);
  const roles = found as Roles[];

  const opened = new Map<string, OpenedModel>();
  for (const reference of referencesOf(config)) {
    if (!opened.has(reference.text)) opened.set(reference.text, await open(reference));
  }
  const modelOf = ({ reference }: Source) => opened.get(reference.text)!.model;
  const common = { config, method, opened, modelOf };
  const made = config.kind === "models" ? ofModels(roles[0]!, common) : ofSlices(roles, common);
  if (made.problems.length > 0) throw new MergekitError(config.path, made.problems);
  const models = new Map([...opened].map(([text, { model }]) => [text, model]));
  const { dtype, seed } = config;
  const given = { ...(dtype === undefined ? {} : { dtype }), ...(seed === undefined ? {} : { seed }) };
  return {
    request: { method: method.name, ...made.request, ...given },
    notes: config.notes,
    donor: models.get((config.base ?? config.slices[0]!.sources[0]!.reference).text)!,
    models,
    ...(made.layers === undefined ? {} : { layers: made.layers }),
  };
}

type Common = {
  readonly config: MergekitConfig;
  readonly method: Method;
  readonly opened: ReadonlyMap<string, OpenedModel>;
  readonly modelOf: (source: Source) => ModelFiles;
};

type Made = {
  readonly request: Omit<MergeRequest, "method">;
  readonly problems: readonly ConfigProblem[];
  readonly layers?: readonly LayerOf[];
};

/** `models`: every tensor of all models, of the same name in each. */
function ofModels({ models, base }: Roles, { config, method, opened, modelOf }: Common): Made {
  const slice = config.slices[0]!;
  const stacks = stacksOf(modelOf(models[0] ?? base!));
  const digestOf = ({ reference }: Source) => opened.get(reference.text)!.digest;
  const problems = stacks.length > 0 ? [] : gradientsWithoutLayers(config, slice, method);
  return {
    problems,
    request: {
      models: models.map(modelOf),
      digests: models.map(digestOf),
      ...(base === undefined ? {} : { base: modelOf(base), baseDigest: digestOf(base) }),
      parametersOf: (tensor) => {
        const inputs = models.map((source) => ({ source, tensor }));
        return parametersFor({ config, method, slice, inputs, tensor, t: depthOf(stacks, tensor) });
      },
    },
  };
}

/** `slices`: layers of models, one after another. */
function ofSlices(roles: readonly Roles[], { config, method, opened, modelOf }: Common): Made {
  const { tensors, contexts, problems, layers } = stackSlices(config, roles, modelOf);
  const used = new Set(
    roles.flatMap(({ models, base }) => [...models, ...(base === undefined ? [] : [base])]).map(({ reference }) => reference.text),
  );
  const names = [...opened.keys()].filter((name) => used.has(name));
  const indices = new Map(names.map((name, index) => [name, index]));
  const place = ({ source, tensor }: { source: Source; tensor: string }) => ({ model: indices.get(source.reference.text)!, tensor });
  return {
    problems,
    layers,
    request: {
      models: names.map((name) => opened.get(name)!.model),
      digests: names.map((name) => opened.get(name)!.digest),
      tensors: tensors.map(({ name, sources, base }) => ({
        name,
        sources: sources.map(place),
        ...(base === undefined ? {} : { base: place(base) }),
      })),
      parametersOf: (tensor) => {
        const { slice, t, inputs } = contexts.get(tensor)!;
        return parametersFor({ config, method, slice, inputs, tensor, t });
      },
    },
  };
}

/** The given parameters of one tensor. Those of a model are filtered by what the tensor is called in it, the others by the result's name. */
function parametersFor(args: {
  readonly config: MergekitConfig;
  readonly method: Method;
  readonly slice: Slice;
  readonly inputs: readonly { readonly source: Source; readonly tensor: string }[];
  readonly tensor: string;
  readonly t: number;
}): GivenParameters {
  const { config, method, slice, inputs, tensor, t } = args;
  const shared = [slice.parameters, config.moduleParameters, config.parameters];
  const values = (scope: "merge" | "model", settings: readonly Settings[], name: string) => {
    const given: { [name: string]: number | boolean } = {};
    for (const parameter of method.parameters) {
      const value = parameter.scope === scope ? resolveParameter(parameter, settings, name, t) : undefined;
      if (value !== undefined) given[parameter.name] = value;
    }
    return given;
  };
  return {
    merge: { ...mergekitDefaults(method), ...values("merge", shared, tensor) },
    models: inputs.map(({ source, tensor: name }) => values("model", [source.parameters, ...shared], name)),
  };
}

/** Where mergekit means something else by a method than the paper that we follow: its DARE keeps the sum of the absolute differences. */
function mergekitDefaults({ parameters }: Method): { readonly [name: string]: boolean } {
  return parameters.some(({ name }) => name === "match_l1") ? { match_l1: true } : {};
}

/** A gradient has no meaning without layers. mergekit-pytorch silently takes its first value. */
function gradientsWithoutLayers(config: MergekitConfig, slice: Slice, method: Method): ConfigProblem[] {
  const scopes = [...slice.sources.map(({ parameters }) => parameters), slice.parameters, config.moduleParameters, config.parameters];
  return scopes.flatMap((settings) =>
    [...settings]
      .filter(([name, setting]) => method.parameters.some((parameter) => parameter.name === name) && hasGradient(setting))
      .map(([name, setting]) =>
        problemAt(
          setting,
          `\`${name}\` at line ${setting.line} is spread over layers, and the models have none that are named like model.layers.0`,
        ),
      ),
  );
}
