import { placeText, type WeightTensor } from "#libs/tensors";
import { fewLines, quote } from "#libs/text";
import { adaptation } from "./adapt.ts";
import { UnfitWeightsError } from "./errors.ts";
import { recogniseNetwork } from "./recognise.ts";
import { definitions } from "./registry.ts";
import { product } from "./shapes.ts";
import { ownNames } from "./spelling.ts";
import type { Network, NetworkTensor, NetworkWeights, TensorSpec } from "./types.ts";

/** Weights from somewhere, by name: those of a file. */
export type GivenWeights = ReadonlyMap<string, GivenTensor>;
export type GivenTensor = Omit<WeightTensor, "stored">;

/**
 * What is done with the head of given weights: taken where it fits and left out where it does not (`fit`, unless told otherwise), left out (`drop`),
 * needed (`require`), or taken as it is, for whatever classes (`keep`).
 */
export type HeadRule = "fit" | "drop" | "require" | "keep";

/** Weights in the network's order, and what was done to them, one sentence each. `head` says whether the head is among them. */
export type FittedWeights = { readonly weights: NetworkWeights; readonly head: boolean; readonly notes: readonly string[] };

/**
 * Given weights as a network takes them. Names of common wrappers, of DomainBed and of other libraries that have the network become the network's
 * own. A head for other classes is left out; a first convolution for other channels is adapted as DomainBed does; position embeddings of
 * another size are resampled as timm does; counters of batches that old files lack become 0. Each of these is said in `notes`.
 * Tensors that stay as they are share their memory with those given.
 * @throws UnfitWeightsError where the weights are another network's, naming the first tensors that differ, where a head is required and does
 * not fit, and where a number is not finite, naming it
 */
export function fitWeights(network: Network, given: GivenWeights, { head = "fit" }: { readonly head?: HeadRule } = {}): FittedWeights {
  const specs = new Map(network.tensors.map((spec) => [spec.name, spec]));
  const notes: string[] = [];
  const found = renamed(network, given, new Set(specs.keys()), notes);
  const unfit = head === "drop" ? "" : head === "keep" ? undefined : unfitHead(network, found);

  const weights = new Map<string, NetworkTensor>();
  const faults: string[] = [];
  for (const spec of network.tensors) {
    if (unfit !== undefined && network.head.includes(spec.name)) continue;
    const tensor = found.get(spec.name);
    if (head === "keep" && network.head.includes(spec.name)) {
      if (tensor?.dtype === "F32") weights.set(spec.name, { shape: tensor.shape, dtype: "F32", data: tensor.data as Float32Array });
      continue;
    }
    if (spec.dtype === "I64") weights.set(spec.name, { shape: spec.shape, dtype: "I64", data: counters(tensor, product(spec.shape)) });
    else if (tensor) weights.set(spec.name, fitted(network, spec, tensor, notes, faults));
    else faults.push(`${spec.name} is missing`);
  }
  for (const name of found.keys()) if (!specs.has(name)) faults.push(`${quote(name)} is none of its tensors`);
  if (faults.length > 0) throw new UnfitWeightsError(otherNetwork(network, found, faults));
  if (unfit && head === "require") throw new UnfitWeightsError(`${network.name} needs a head: ${unfit}`);
  if (unfit) notes.push(`the head is left out: ${unfit}`);
  checkFinite(weights);
  return { weights, head: network.head.every((name) => weights.has(name)), notes };
}

/** The given tensors under the network's names. */
function renamed(network: Network, given: GivenWeights, wanted: ReadonlySet<string>, notes: string[]): GivenWeights {
  const { names, by } = ownNames([...given.keys()], wanted, definitions.get(network.name)!);
  if (by !== undefined) notes.push(`names are those of ${by}`);
  const found = new Map<string, GivenTensor>();
  for (const [name, own] of names) {
    const tensor = given.get(name)!;
    const before = found.get(own);
    if (before === undefined) found.set(own, tensor);
    else if (!same(before, tensor)) throw new UnfitWeightsError(`${quote(name)} and another tensor are both ${own}, and differ`);
  }
  return found;
}

/** Why the given head cannot be taken. One for these classes with other inputs is another network's. */
function unfitHead({ head: [weight = "", bias = ""], classes }: Network, found: GivenWeights): string | undefined {
  const there = found.get(weight)?.shape[0];
  if (there === undefined || !found.has(bias)) return `there is no ${weight} with ${bias}`;
  return there === classes ? undefined : `${weight} is for ${there} classes, not for ${classes}`;
}

/** One tensor in the network's shape and type; what does not fit is added to `faults`. */
function fitted(network: Network, spec: TensorSpec, given: GivenTensor, notes: string[], faults: string[]): NetworkTensor {
  const { shape } = spec;
  const equal = given.shape.join() === shape.join();
  const adapted = equal ? undefined : adaptation(network, spec, given.shape);
  if (given.dtype !== "F32") faults.push(`${spec.name}: expected numbers with a fraction, got ${given.dtype}`);
  else if (!equal && !adapted) faults.push(`${spec.name}: expected [${shape.join(", ")}], got [${given.shape.join(", ")}]`);
  else if (adapted) {
    if (adapted.note !== undefined) notes.push(adapted.note);
    return { shape, dtype: "F32", data: adapted.adapt(given.data as Float32Array) };
  }
  return { shape, dtype: "F32", data: given.data as Float32Array };
}

/** Counters of batches, which nothing is computed with: zeros where the file has none, or something else. */
function counters(given: GivenTensor | undefined, length: number): BigInt64Array<ArrayBuffer> {
  return given?.dtype === "I64" && given.data.length === length ? (given.data as BigInt64Array<ArrayBuffer>) : new BigInt64Array(length);
}

function otherNetwork(network: Network, found: GivenWeights, faults: readonly string[]): string {
  const likely = recogniseNetwork(new Map([...found].map(([name, { shape }]) => [name, shape])));
  const whose = likely !== undefined && likely !== network.name ? ` They are ${likely}'s.` : "";
  return `The weights are not ${network.name}'s: ${fewLines(faults, { most: 5 }).join("; ")}.${whose}`;
}

function checkFinite(weights: NetworkWeights): void {
  for (const [name, { dtype, shape, data }] of weights) {
    if (dtype !== "F32") continue;
    const place = data.findIndex((value) => !Number.isFinite(value));
    if (place >= 0) throw new UnfitWeightsError(`${name} is not finite${placeText(place, shape)}: ${data[place]}`);
  }
}

function same(a: GivenTensor, b: GivenTensor): boolean {
  return a.dtype === b.dtype && a.shape.join() === b.shape.join() && a.data.every((value, i) => Object.is(value, b.data[i]));
}
