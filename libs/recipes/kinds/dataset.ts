import * as v from "valibot";
import { count, distinct, label, natural, nonNegative, seed, unless } from "./fields.ts";
import type { Form, Kind } from "./kind.ts";

/** Names of the styles in which symbols are drawn. */
export const styleNames = ["plain", "blur", "low", "noise", "occlusion", "gradient", "thick", "outline", "thin"] as const;
export type StyleName = (typeof styleNames)[number];

const glyphs = v.strictObject({
  generator: v.literal("glyphs/1"),
  classes: count,
  images: count,
  styles: v.pipe(v.array(v.picklist(styleNames)), v.minLength(1)),
  rotation: nonNegative,
  alphabetSeed: seed,
});
/** Drawn symbols. `rotation` in radians; the recipe's seed draws the images, `alphabetSeed` the symbols. */
export type GlyphsParameters = v.InferOutput<typeof glyphs>;

const degrees = v.pipe(v.number(), v.finite());
const rotatedDigits = v.strictObject({ generator: v.literal("rotated-digits/1"), domain: natural, domains: count, degrees });
/** Every `domains`-th digit of a seeded permutation, from `domain` on, rotated by `degrees`. `inputs.source` has the idx files. */
export type RotatedDigitsParameters = v.InferOutput<typeof rotatedDigits>;

const imageShards = v.strictObject({ generator: v.literal("image-shards/1") });
const records = v.strictObject({ generator: v.literal("records/1") });

/** DomainBed's angles, in degrees. */
export const mnistAngles: readonly number[] = [0, 15, 30, 45, 60, 75];
const rotatedMnist = v.strictObject({ generator: v.literal("rotated-mnist/1"), angles: unless([...mnistAngles], distinct(degrees)) });
/** The digits of idx files, dealt out to one domain for each of `angles`, and rotated by it. The recipe's seed shuffles them. */
export type RotatedMnistParameters = v.InferOutput<typeof rotatedMnist>;

const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
/** DomainBed's probabilities that the colour contradicts the label, and that the label is wrong. */
export const colouredMnist: { readonly flips: readonly number[]; readonly labelNoise: number } = {
  flips: [0.1, 0.2, 0.9],
  labelNoise: 0.25,
};
const coloredMnist = v.strictObject({
  generator: v.literal("colored-mnist/1"),
  flips: unless([...colouredMnist.flips], distinct(probability)),
  labelNoise: unless(colouredMnist.labelNoise, probability),
});
/**
 * The digits of idx files in two colours and two classes (below 5 or not), one domain for each of `flips`: the probability that the colour
 * is not that of the class. `labelNoise` is the probability that the class is the other one. The recipe's seed draws.
 */
export type ColoredMnistParameters = v.InferOutput<typeof coloredMnist>;

const subset = v.strictObject({
  generator: v.literal("subset/1"),
  domains: v.optional(distinct(label)),
  classes: v.optional(distinct(label)),
});
/** The pictures of another data set, `inputs.source`, that are of these domains and classes, by name; of all where a list is absent. */
export type SubsetParameters = v.InferOutput<typeof subset>;

/** Pictures from one artifact: what an import holds, or another data set. */
const from = { inputs: { source: "one" }, computed: false } as const;
/** How data sets of an earlier version are drawn; frozen. */
const drawn = { inputs: { source: "optional-one" }, seeded: true, computed: false } as const;

const generators: { readonly [name: string]: Form } = {
  "glyphs/1": { ...drawn, parameters: glyphs },
  "rotated-digits/1": { ...drawn, parameters: rotatedDigits },
  "image-shards/1": { ...from, seeded: false, parameters: imageShards },
  "records/1": { ...from, seeded: false, parameters: records },
  "rotated-mnist/1": { ...from, seeded: true, parameters: rotatedMnist },
  "colored-mnist/1": { ...from, seeded: true, parameters: coloredMnist },
  "subset/1": { ...from, seeded: false, parameters: subset },
};

/** Labelled images, or records of any kind. A new generator is one more form here, and who runs it. */
export const datasetKind: Kind = {
  about: "Labelled images or records: an index over shards, or drawn symbols.",
  makes: ["dataset"],
  generators,
};
