import { backends, isRunName, runNameRule, styleNames } from "#libs/recipes";
import { methods } from "#libs/reporting";
import { list, mapping, optional, required } from "../collections.ts";
import type { Read } from "../field.ts";
import { matching, number, text, word } from "../scalars.ts";
import { defaults } from "./defaults.ts";

const count = number({ min: 1, max: 10_000_000, whole: true });
const width = number({ min: 1, max: 65_536, whole: true });
const rate = number({ above: 0, max: 100 });
const degrees = number({ min: -360, max: 360 });
/** Half a turn, rounded up: symbols are rotated in both directions. */
const radians = number({ min: 0, max: 3.15 });
const seed = number({ min: 0, max: 4_294_967_295, whole: true });

type Training = { readonly steps: number; readonly batch: number; readonly "learning-rate": number };
type Glyphs = { readonly classes: number; readonly images: number; readonly styles: readonly string[]; readonly rotation: number };

const training = (fallback: Training) =>
  mapping({
    steps: optional(count, fallback.steps),
    batch: optional(count, fallback.batch),
    "learning-rate": optional(rate, fallback["learning-rate"]),
  });

const glyphs = (fallback: Glyphs) =>
  mapping({
    classes: optional(number({ min: 2, max: 10_000, whole: true }), fallback.classes),
    images: optional(count, fallback.images),
    styles: optional(list(word("style", styleNames), { distinct: true }) as Read<readonly string[]>, fallback.styles),
    rotation: optional(radians, fallback.rotation),
  });

const target = mapping({
  data: required(text(4096), "../data/digits"),
  domains: optional(list(degrees, { distinct: true, max: 64 }), defaults.target.domains),
  "held-out": optional(list(degrees, { distinct: true, max: 64 }), defaults.target["held-out"]),
  "validation-fraction": optional(number({ above: 0, below: 1 }), defaults.target["validation-fraction"]),
});

const foundation = mapping({
  model: optional(word("model", ["mlp"]), "mlp"),
  hidden: optional(list(width, { max: 8 }), defaults.foundation.hidden),
  data: optional(glyphs(defaults.foundation.data), defaults.foundation.data),
  training: optional(training(defaults.foundation.training), defaults.foundation.training),
});

const auxiliary = mapping({
  name: required(text(60), "thick and outline"),
  data: required(glyphs(defaults.auxiliary.data), "{ styles: [thick, outline], rotation: 0.9 }"),
  probe: optional(training(defaults.auxiliary.probe), defaults.auxiliary.probe),
  training: optional(training(defaults.auxiliary.training), defaults.auxiliary.training),
});

const fineTuning = mapping({
  members: optional(number({ min: 1, max: 1000, whole: true }), defaults["fine-tuning"].members),
  steps: optional(count, defaults["fine-tuning"].steps),
  batch: optional(count, defaults["fine-tuning"].batch),
  "learning-rate": optional(rate, defaults["fine-tuning"]["learning-rate"]),
  "validate-every": optional(count, defaults["fine-tuning"]["validate-every"]),
  "learning-rate-factors": optional(list(rate, { max: 100 }), defaults["fine-tuning"]["learning-rate-factors"]),
  dropouts: optional(list(number({ min: 0, below: 1 }), { max: 100 }), defaults["fine-tuning"].dropouts),
  "weight-decays": optional(list(number({ min: 0, max: 1 }), { max: 100 }), defaults["fine-tuning"]["weight-decays"]),
});

/** Reads a whole run file, key by key. What depends on more than one key is checked in `rules.ts`. */
export const runFile = mapping({
  name: required(matching(isRunName, runNameRule), "my-run"),
  protocol: optional(word("protocol", ["digits"]), "digits"),
  seeds: required(list(seed, { distinct: true }), "[10, 11]"),
  backend: optional(word("backend", [...backends, "auto"]), "wasm"),
  target: required(target, "{ data: ../data/digits }"),
  foundation: optional(foundation, defaults.foundation),
  auxiliaries: optional(list(auxiliary, { max: 1000 }), defaults.auxiliaries),
  probe: optional(training(defaults.probe), defaults.probe),
  "fine-tuning": optional(fineTuning, defaults["fine-tuning"]),
  methods: optional(list(word("method", methods), { distinct: true }), [...methods]),
  "on-failure": optional(word("choice", ["fail", "continue"]), "fail"),
});

/** A run file, every key present. */
export type RunFile = NonNullable<ReturnType<typeof runFile>>;
