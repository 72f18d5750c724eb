import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Network, type NetworkTensor, type NetworkWeights, networkOf, type TensorSpec } from "#libs/networks";

/** Numbers of PyTorch: three steps of Adam from weights that a formula gives. test/fixtures/networks/generate.py makes and describes them. */
export type Fixture = {
  readonly architecture: string;
  /** [count, channels, height, width] */
  readonly input_shape: readonly [number, number, number, number];
  readonly classes: number;
  readonly labels: readonly number[];
  readonly optimizer: { readonly name: string; readonly lr: number; readonly weight_decay: number };
  readonly steps: readonly {
    readonly loss: number;
    /** The first 64. */
    readonly logits: readonly number[];
    readonly gradients?: Readonly<Record<string, Gradient>>;
  }[];
  readonly final_abs_sum: Readonly<Record<string, number>>;
};

/** Of a tensor: sums, and the first four numbers. */
export type Gradient = { readonly sum: number; readonly abs_sum: number; readonly first: readonly number[] };

/** The names of the fixtures of a folder. */
export function fixturesIn(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.map((file) => basename(file, ".json")).sort();
}

export function readFixture(folder: string, name: string): Fixture {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
}

/** The network of a fixture. */
export function networkIn({ architecture, input_shape: [, channels, height], classes }: Fixture): Network {
  return networkOf(architecture, { classes, channels, size: height });
}

/** The weights that the formula gives. */
export function weightsOf({ tensors }: Network): NetworkWeights {
  let weight = 0;
  let norm = 1000;
  const entries = tensors.map((spec): [string, NetworkTensor] => {
    const size = spec.shape.reduce((product, length) => product * length, 1);
    if (spec.dtype === "I64") return [spec.name, { shape: spec.shape, dtype: "I64", data: new BigInt64Array(size) }];
    const k = spec.role === "weight" ? weight++ : norm;
    if (spec.name.endsWith("running_var")) norm += 1;
    const data = Float32Array.from({ length: size }, (_, i) => number(spec, Math.sin(1 + 0.7 * i + 13 * k)));
    return [spec.name, { shape: spec.shape, dtype: "F32", data }];
  });
  return new Map(entries);
}

function number({ name, shape }: TensorSpec, sine: number): number {
  if (name.endsWith("running_mean")) return 0.05 * sine;
  if (name.endsWith("running_var")) return 1 + 0.2 * sine ** 2;
  if (/(^|\.)(cls_token|pos_embed)$/.test(name)) return 0.02 * sine;
  if (shape.length >= 2) return sine / Math.sqrt(shape.slice(1).reduce((product, length) => product * length, 1));
  return name.endsWith("weight") ? 1 + 0.1 * sine : 0.1 * sine;
}

/** The input of a fixture, [count, height, width, channels]: engines have channels last. */
export function inputOf({ input_shape: [count, channels, height, width] }: Fixture): Float32Array {
  const input = new Float32Array(count * channels * height * width);
  let i = 0;
  for (let b = 0; b < count; b += 1)
    for (let c = 0; c < channels; c += 1)
      for (let place = 0; place < height * width; place += 1, i += 1)
        input[(b * height * width + place) * channels + c] = Math.sin(0.1 + 0.37 * i);
  return input;
}
