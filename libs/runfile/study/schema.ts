import { isScalar, isSeq } from "yaml";
import { PRESET_NAMES } from "#libs/images";
import { isRunName, runNameRule } from "#libs/recipes";
import { methods } from "#libs/reporting";
import { list, mapping, maybe, optional, required } from "../collections.ts";
import { type Read, resolve } from "../field.ts";
import { matching, number, text, word } from "../scalars.ts";
import { defaults, protocols } from "./defaults.ts";

const count = number({ min: 1, max: 10_000_000, whole: true });
const rate = number({ above: 0, max: 100 });
const seed = number({ min: 0, max: 4_294_967_295, whole: true });
const decay = number({ min: 0, max: 1 });
const share = number({ min: 0, below: 1 });
const path = text(4096);
const label = text(1000);
const networkName = matching((name) => /^[a-z0-9][a-z0-9_.-]{0,99}$/.test(name), "the name of a network, such as resnet18");
const isEngine = (name: string) => /^[a-z0-9][a-z0-9-]{0,63}$/.test(name);
const engine = matching(isEngine, "auto, or the name of an engine such as tfjs-node");
const oneOfSeveral = matching((name) => isEngine(name) && name !== "auto", "the name of an engine such as tfjs-node");
/** `auto`, an engine, or a list of engines. */
const backend: Read<string | readonly string[]> = (field) =>
  isSeq(resolve(field)) ? list(oneOfSeveral, { distinct: true, max: 10 })(field) : engine(field);
const preset = word("transform", PRESET_NAMES);

/** A text where it is one, or else what `read` reads. */
function textOr<T>(textual: Read<string>, read: Read<T>): Read<string | T> {
  return (field) => (isScalar(resolve(field)) ? textual(field) : read(field));
}

const training = {
  steps: maybe(count),
  batch: maybe(count),
  "learning-rate": maybe(rate),
  "weight-decay": maybe(decay),
  dropout: maybe(share),
};

/** Where pictures or records are: one of these keys. */
const pictures = { images: maybe(path), records: maybe(path), "rotated-mnist": maybe(path), "colored-mnist": maybe(path) };

const target = mapping({ ...pictures, test: maybe(label) });

/** `all`, `none`, a domain, or a list of domains. */
const heldOut: Read<string | readonly string[]> = (field) =>
  isSeq(resolve(field)) ? list(label, { distinct: true, max: 1000 })(field) : label(field);

const foundation = mapping({
  network: required(networkName, "resnet18"),
  weights: maybe(path),
  ...pictures,
  ...training,
  channels: maybe(number({ min: 1, max: 64, whole: true })),
  size: maybe(number({ min: 8, max: 2048, whole: true })),
  hidden: maybe(list(number({ min: 1, max: 65_536, whole: true }), { max: 8 })),
  head: maybe(list(label, { max: 10, distinct: true })),
});

const auxiliary = mapping({
  name: maybe(text(60)),
  path: maybe(path),
  weights: maybe(textOr(path, list(path, { distinct: true, max: 100 }))),
  ...pictures,
  ...training,
  models: maybe(number({ min: 1, max: 100, whole: true })),
  probe: maybe(mapping(training)),
});

const fineTuning = mapping({
  ...training,
  members: maybe(number({ min: 1, max: 1000, whole: true })),
  "head-only-steps": maybe(number({ min: 0, max: 10_000_000, whole: true })),
  "validate-every": maybe(count),
  "learning-rates": maybe(list(rate, { max: 100 })),
  dropouts: maybe(list(share, { max: 100 })),
  "weight-decays": maybe(list(decay, { max: 100 })),
});

/** Reads a run file of pictures, key by key. Null: the file leaves it out, and it depends on others what it is then. */
export const studyFile = mapping({
  name: required(matching(isRunName, runNameRule), "birds"),
  protocol: optional(word("protocol", protocols), "ratatouille"),
  seeds: optional(list(seed, { distinct: true }), defaults.seeds),
  backend: optional(backend, "auto"),
  arithmetic: maybe(matching((name) => /^~[\x20-\x7e]{1,199}$/.test(name), "what a trainer says that it computes, such as ~own/1")),
  target: required(target, "{ images: ./birds }"),
  "held-out": required(heldOut, "all"),
  "held-out-items": optional(share, defaults["held-out-items"]),
  "validation-fraction": optional(number({ above: 0, below: 1 }), defaults["validation-fraction"]),
  foundation: required(foundation, "{ network: resnet18, weights: ./resnet18.pth }"),
  auxiliaries: optional(list(textOr(path, auxiliary), { min: 0, max: 1000 }), []),
  probe: maybe(mapping({ ...training, "validate-every": maybe(count) })),
  "fine-tuning": maybe(fineTuning),
  transform: maybe(mapping({ training: maybe(preset), validation: maybe(preset) })),
  curves: optional(
    mapping({
      barriers: optional(number({ min: 0, max: 999, whole: true }), defaults.curves.barriers),
      curves: optional(number({ min: 0, max: 999, whole: true }), defaults.curves.curves),
      points: optional(number({ min: 3, max: 101, whole: true }), defaults.curves.points),
    }),
    defaults.curves,
  ),
  methods: optional(list(word("method", methods), { distinct: true }), defaults.methods),
  "on-failure": optional(word("choice", ["fail", "continue"]), "fail"),
  "shared-images": optional(word("choice", ["refuse", "allow"]), "refuse"),
});

/** A run file of pictures as it was written. */
export type WrittenStudy = NonNullable<ReturnType<typeof studyFile>>;
