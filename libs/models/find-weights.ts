import { isIndex } from "./shards.ts";
import { formatByName, isTorchName } from "./strange-format.ts";

/** Files of a folder that is a PEFT adapter. */
export const ADAPTER_CONFIG = "adapter_config.json";
export const ADAPTER_WEIGHTS = ["adapter_model.safetensors", "adapter_model.bin"];

/** What loaders look for, in this order: transformers, diffusers, PEFT, open_clip. Safetensors go before what PyTorch has written. */
const NAMES = [
  ...["model", "diffusion_pytorch_model", "adapter_model", "open_clip_model"].map((stem) => `${stem}.safetensors`),
  ...["pytorch_model", "diffusion_pytorch_model", "adapter_model", "open_clip_pytorch_model"].map((stem) => `${stem}.bin`),
];

/** How shards are called. */
const SHARD = /-\d{5}-of-\d{5}\.(safetensors|bin)$/;

/** What trainers leave beside a model. */
const TRAINING = /^(training_args|optimizer|scheduler|rng_state|scaler|random_states)/;

/** The file that says where a folder's weights are, as its loader looks for it; a list where that is not clear. */
export function weightsOf(entries: readonly string[]): string | readonly string[] | undefined {
  for (const file of NAMES) for (const name of [file, `${file}.index.json`]) if (entries.includes(name)) return name;
  const indices = entries.filter(isIndex);
  if (indices.length > 0) return indices.length === 1 ? indices[0] : indices;
  const files = entries.filter((entry) => entry.endsWith(".safetensors"));
  const found = files.length > 0 ? files : entries.filter((entry) => isTorchName(entry) && !TRAINING.test(entry));
  // Shards without their index: named together, they would be several models.
  if (found.length > 0 && found.every((file) => SHARD.test(file))) return undefined;
  return found.length > 1 ? found : found[0];
}

/** What is said of a folder without weights: the end of a sentence. */
export function noWeights(entries: readonly string[]): string {
  const shard = entries.find((entry) => SHARD.test(entry));
  if (shard !== undefined)
    return `there are shards such as ${shard}, but no ${shard.replace(/-\d{5}-of-\d{5}/, "")}.index.json that says what is where`;
  if (entries.includes(ADAPTER_CONFIG)) return `there is ${ADAPTER_CONFIG}, but no ${ADAPTER_WEIGHTS[0]}`;
  const snapshot = entries.includes("snapshots") && entries.includes("refs");
  if (snapshot) return "it is a folder of the hub's cache, which has versions of a model: name one of them, a folder below its snapshots/";
  if (entries.includes("modules.json"))
    return "no model.safetensors is in the folder, but a modules.json: name the folder that it says for the Transformer";
  const strange = entries.find((entry) => !TRAINING.test(entry) && formatByName(entry) !== undefined);
  return `no model.safetensors or pytorch_model.bin is in the folder${strange === undefined ? "" : `, only ${strange}, ${formatByName(strange)}`}`;
}
