import type { MessageInitShape } from "@bufbuild/protobuf";
import { Document, isMap, isScalar, type Pair, visit } from "yaml";
import { OnFailure, type RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";

/** Mappings and lists that take at most so many characters stand on one line. */
const LINE = 100;

/**
 * A specification as a run file: `parseRunFile` gives the same specification back. `data` is what `target.data` says: a folder, relative
 * to where the file is going to be.
 * @example
 * ```ts
 * const { spec } = parseRunFile("name: night\nseeds: [1, 2]\ntarget: { data: digits }\n", { path: "/runs/night.yaml" });
 * const text = renderRunFile(spec, { data: "../digits" });
 * text.split("\n", 1); // ["name: night"]
 * parseRunFile(text, { path: "/runs/again/night.yaml" }); // { spec, dataPath: "/runs/digits" }
 * ```
 */
export function renderRunFile(spec: MessageInitShape<typeof RunSpecSchema>, { data }: { readonly data: string }): string {
  const { target, foundation, auxiliaries = [], probe, fineTuning } = spec;
  const { training: tuning, ...ranges } = fineTuning ?? {};
  const document = new Document({
    name: spec.name,
    seeds: spec.seeds,
    backend: spec.backend,
    target: { data, domains: target?.domains, "held-out": target?.heldOut, "validation-fraction": target?.validationFraction },
    foundation: {
      model: "mlp",
      hidden: foundation?.hidden,
      data: glyphs(foundation?.data),
      training: training(foundation?.training),
    },
    auxiliaries: auxiliaries.map((auxiliary) => ({
      name: auxiliary.name,
      data: glyphs(auxiliary.data),
      probe: training(auxiliary.probe),
      training: training(auxiliary.training),
    })),
    probe: training(probe),
    "fine-tuning": {
      members: ranges.members,
      ...training(tuning),
      "validate-every": ranges.validateEvery,
      "learning-rate-factors": ranges.learningRateFactors,
      dropouts: ranges.dropouts,
      "weight-decays": ranges.weightDecays,
    },
    methods: spec.methods,
    "on-failure": spec.onFailure === OnFailure.CONTINUE ? "continue" : "fail",
  });
  visit(document, {
    Seq: (_, node) => {
      node.flow = node.items.every((item) => isScalar(item)) && node.items.map(String).join(", ").length <= LINE;
    },
    Pair: (_, { key, value }) => {
      if (isMap(value) && isScalar(key) && key.value !== "target") value.flow = value.items.every(isShort);
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** Whether a key has one value, or names styles, which are few. */
function isShort({ key, value }: Pair): boolean {
  return isScalar(value) || (isScalar(key) && key.value === "styles");
}

type Init = MessageInitShape<typeof RunSpecSchema>;

function training(part: Init["probe"]) {
  return { steps: part?.steps, batch: part?.batch, "learning-rate": part?.learningRate };
}

function glyphs(part: NonNullable<Init["foundation"]>["data"]) {
  return { classes: part?.classes, images: part?.images, styles: part?.styles, rotation: part?.rotation };
}
