import type { Network, NetworkTensor, NetworkWeights } from "#libs/networks";
import { loadFloat32, parseSafetensorsHeader, type TensorData } from "#libs/tensors";
import type { Written } from "../books.ts";
import type { VariableState } from "../engines/kernels.ts";
import type { SavedState } from "../saved-state.ts";

/** What reads states of trainings of networks. */
export const NETWORK_CHECKPOINT = "ratatouille-network-checkpoint/1";

/** The best weights so far, in PyTorch's layouts. */
export type Best = { readonly step: number; readonly accuracy: number; readonly weights: NetworkWeights };

/** Everything that a training of a network needs to go on as if it had never stopped. */
export type NetworkCheckpoint = Written<Best> & {
  readonly step: number;
  readonly seed: number;
  readonly network: string;
  /** Of what was trained in this step: numbers in the layouts of engines. */
  readonly variables: ReadonlyMap<string, VariableState>;
};

const PARTS = ["parameters", "firstMoment", "secondMoment"] as const;

/**
 * A checkpoint as the parts of a safetensors file. Of the best weights it has those that differ from what the training began with. All numbers
 * are its own: whoever writes them may hand them to another thread.
 */
export function savedNetworkState({ variables, best, ...rest }: NetworkCheckpoint, began: NetworkWeights): SavedState {
  const tensors: TensorData[] = [];
  const add = (name: string, data: Float32Array, shape: readonly number[] = [data.length]) =>
    tensors.push({ name, dtype: "F32", shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
  for (const [name, state] of variables) for (const part of PARTS) add(`${part}:${name}`, state[part]);
  for (const [name, tensor] of best?.weights ?? [])
    if (tensor.dtype === "F32" && tensor !== began.get(name)) add(`best:${name}`, tensor.data.slice(), tensor.shape);
  const summary = { ...rest, ...(best ? { best: { step: best.step, accuracy: best.accuracy } } : {}) };
  return { step: rest.step, format: NETWORK_CHECKPOINT, tensors, metadata: { format: NETWORK_CHECKPOINT, state: JSON.stringify(summary) } };
}

/** What a file of a checkpoint says, before it is compared with the training that it is for. */
export type DecodedNetworkCheckpoint = Omit<NetworkCheckpoint, "best"> & {
  readonly best?: { readonly step: number; readonly accuracy: number; readonly changed: ReadonlyMap<string, Float32Array> } | undefined;
};

/** @throws SafetensorsError if it is no safetensors file, RangeError if it is no checkpoint of a network. */
export function decodeNetworkCheckpoint(bytes: Uint8Array): DecodedNetworkCheckpoint {
  const { metadata } = parseSafetensorsHeader(bytes, bytes.length);
  const format = metadata.get("format");
  if (format !== NETWORK_CHECKPOINT) throw new RangeError(`Expected a checkpoint of format ${NETWORK_CHECKPOINT}, got ${format}`);
  const { best, ...rest } = JSON.parse(metadata.get("state") ?? "{}");
  const states = new Map<string, Partial<Record<(typeof PARTS)[number], Float32Array>>>();
  const changed = new Map<string, Float32Array>();
  for (const [key, { data }] of loadFloat32(bytes)) {
    const [part = "", name] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
    if (part === "best") changed.set(name, data);
    else states.set(name, { ...states.get(name), [part]: data });
  }
  for (const [name, state] of states)
    for (const part of PARTS) if (!state[part]) throw new RangeError(`The checkpoint has no ${part} of ${name}`);
  return { ...rest, variables: states as Map<string, VariableState>, ...(best ? { best: { ...best, changed } } : {}) };
}

/**
 * A checkpoint of this training.
 * @throws RangeError saying what is of another one
 */
export function resumed(
  { best, ...decoded }: DecodedNetworkCheckpoint,
  { network, seed, trained, began }: { network: Network; seed: number; trained: readonly string[]; began: NetworkWeights },
): NetworkCheckpoint {
  const other = (what: string, found: unknown, expected: unknown) =>
    new RangeError(`The checkpoint belongs to another training: ${what} ${found}, not ${expected}`);
  if (decoded.seed !== seed) throw other("seed", decoded.seed, seed);
  if (decoded.network !== network.name) throw other("network", decoded.network, network.name);
  const names = [...decoded.variables.keys()];
  if (names.toSorted().join() !== trained.toSorted().join()) throw other("it trains", names.length, `${trained.length} tensors`);
  for (const [name, { parameters }] of decoded.variables) {
    const size = began.get(name)!.data.length;
    if (parameters.length !== size) throw other(`${name} has`, parameters.length, `${size} numbers`);
  }
  if (!best) return decoded;
  const weights = [...began].map(([name, tensor]): [string, NetworkTensor] => {
    const data = best.changed.get(name);
    return [name, data ? { shape: tensor.shape, dtype: "F32", data } : tensor];
  });
  return { ...decoded, best: { step: best.step, accuracy: best.accuracy, weights: new Map(weights) } };
}
