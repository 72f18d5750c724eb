import { deviceOf, type EngineName, engineNamed } from "#libs/engines";
import { networkNames } from "#libs/networks";
import { backendOf, type Recipe } from "#libs/recipes";
import type { Needs } from "#libs/topics";
import { drawnNeeds } from "./drawn.ts";
import type { NeedsOfKind } from "./kind-needs.ts";
import { predictionNeeds, trainingNeeds } from "./network.ts";
import { perceptronNeeds } from "./perceptron.ts";

/** The kinds of recipes that trainers run, and what each needs. A new kind is one more line. */
const kinds: { readonly [kind: string]: NeedsOfKind } = {
  dataset: drawnNeeds,
  split: drawnNeeds,
  train: trainingNeeds,
  predict: predictionNeeds,
  pretrain: perceptronNeeds,
  probe: perceptronNeeds,
  "fine-tune": perceptronNeeds,
};

/** Names of the kinds that trainers run. */
export const trainable: readonly string[] = Object.keys(kinds);

/** A trainer before its first job: the runtime, the kernels, and the cache of inputs (256 MiB unless set otherwise). */
const BASE_MIB = 512;
/** The engine of what only draws, and of an arithmetic that names none, unless the submission does. */
const DRAWING: EngineName = "cpu";
const APPROXIMATE: EngineName = "tfjs-node";

/** What a recipe needs, and which of its fields asks for most of the memory. */
export type Estimate = { readonly needs: Needs; readonly field: string };

/**
 * What running a recipe needs: what is asked for, and the rest from the recipe alone. It decides where a job goes, not how it is run.
 * @param weightsBytes of the largest model that goes in: see isUnknownNetwork
 * @throws RangeError for a kind that is not in `trainable`
 */
export function estimateNeeds(recipe: Recipe, asked: Partial<Needs> = {}, weightsBytes = 0): Estimate {
  const ofKind = kinds[recipe.kind];
  if (!ofKind) throw new RangeError(`no trainer runs recipes of kind ${recipe.kind}`);
  const { bytes, field, network = "" } = ofKind(recipe, weightsBytes);
  const backend = asked.backend ?? asked.backends?.[0] ?? exactEngine(recipe) ?? (recipe.arithmetic === undefined ? DRAWING : APPROXIMATE);
  const device = asked.device ?? engineNamed(backend)?.device ?? "cpu";
  const backends = asked.backends ?? [backend];
  const mib = Math.ceil(bytes / 2 ** 20);
  const isOn = (wanted: Needs["device"]) => backends.some((name) => deviceOf(name, device) === wanted);
  const needs = {
    device,
    backend,
    backends,
    memoryMib: asked.memoryMib ?? BASE_MIB + (isOn("cpu") ? mib : 0),
    network: asked.network ?? network,
    acceleratorMemoryMib: asked.acceleratorMemoryMib ?? (isOn("gpu") ? mib : 0),
  };
  return { needs, field: `recipe.parameters.${field}` };
}

/** Whether a recipe is of a network that only trainers know: how large it is tell only the weights that go in. */
export function isUnknownNetwork({ parameters }: Pick<Recipe, "parameters">): boolean {
  const { network } = parameters as { readonly network?: { readonly name?: string } };
  return network?.name !== undefined && !networkNames().includes(network.name);
}

/** The one engine that computes the bytes that a recipe promises; undefined where its arithmetic is that of any. */
export function exactEngine({ arithmetic }: Recipe): string | undefined {
  return backendOf(arithmetic);
}
