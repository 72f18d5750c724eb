import { relative } from "node:path";
import { Document, isMap, isScalar, isSeq, visit } from "yaml";
import type { PicturesAt, StudyAuxiliary, StudyFile, StudyTraining } from "./study.ts";

/** Mappings and lists that take at most so many characters stand on one line. */
const LINE = 100;
const keys = {
  "image-shards/1": "images",
  "records/1": "records",
  "rotated-mnist/1": "rotated-mnist",
  "colored-mnist/1": "colored-mnist",
} as const;

/**
 * A run file of pictures with every number in it, as it is beside a report: `parseStudyFile` gives the same run again. What is not chosen
 * yet is left out.
 * @param options.directory where the text is going to be: paths are relative to it.
 * @example
 * ```ts
 * const text = "name: birds\ntarget: { images: ./birds }\nheld-out: [photo]\nfoundation: { network: resnet18 }\n";
 * const file = parseStudyFile(text, { path: "/home/ada/birds.yaml" });
 * const rendered = renderStudyFile(file, { directory: "/home/ada/out" });
 * rendered.split("\n")[4]; // "target: { images: ../birds }"
 * parseStudyFile(rendered, { path: "/home/ada/out/run.yaml" }).heldOut; // ["photo"]
 * ```
 */
export function renderStudyFile(file: StudyFile, { directory }: { readonly directory: string }): string {
  const near = (path: string) => relative(directory, path) || ".";
  const pictures = ({ path, generator }: PicturesAt) => ({ [keys[generator]]: near(path) });
  const { network, foundation, fineTuning, ranges } = file;
  const document = new Document({
    name: file.name,
    protocol: file.protocol,
    seeds: file.seeds,
    backend: file.backends.length > 0 ? file.backends : file.backend,
    ...(file.arithmetic === undefined ? {} : { arithmetic: file.arithmetic }),
    target: pictures(file.target),
    "held-out": file.heldOut ?? "all",
    "held-out-items": file.heldOutItems,
    "validation-fraction": file.validationFraction,
    foundation: {
      network: network.name,
      ...(network.channels > 0 ? { channels: network.channels } : {}),
      ...(network.size > 0 ? { size: network.size } : {}),
      ...(network.hidden.length > 0 ? { hidden: network.hidden } : {}),
      ...(network.head.length > 0 ? { head: network.head } : {}),
      ...(foundation.kind === "model" ? { weights: near(foundation.path) } : {}),
      ...(foundation.kind === "pictures" ? { ...pictures(foundation.pictures), ...training(foundation.training) } : {}),
    },
    auxiliaries: file.auxiliaries.map((auxiliary) => auxiliaryOf(auxiliary)),
    probe: { ...training(file.probe), ...pace(file.probe) },
    "fine-tuning": {
      members: file.members,
      ...training(fineTuning),
      "head-only-steps": fineTuning.headOnlySteps,
      ...pace(fineTuning),
      "learning-rates": ranges.learningRates,
      dropouts: ranges.dropouts,
      "weight-decays": ranges.weightDecays,
    },
    ...(file.transform ? { transform: file.transform } : {}),
    curves: file.curves,
    methods: file.methods,
    "on-failure": file.onFailure,
    "shared-images": file.sharedImages ? "allow" : "refuse",
  });
  visit(document, {
    Collection: (_, node) => {
      if (isMap(node) || isSeq(node)) node.flow = isShort(node.toJSON());
    },
    Pair: (_, { key, value }) => {
      if (isScalar(key) && key.value === "auxiliaries" && isSeq(value)) value.flow = value.items.length === 0;
    },
  });
  if (isMap(document.contents)) document.contents.flow = false;
  return document.toString({ lineWidth: 0 });

  function auxiliaryOf({ name, from, count, ...trainings }: StudyAuxiliary): object {
    if (from.kind === "models") return { name, weights: from.paths.map(near) };
    if (from.kind === "path") return { name, path: near(from.path), models: count, ...numbersOf(trainings) };
    return { name, ...pictures(from.pictures), models: count, ...numbersOf(trainings) };
  }
}

function numbersOf({ training: tuned, probe }: Pick<StudyAuxiliary, "training" | "probe">): object {
  return { ...training(tuned), probe: training(probe) };
}

function training({ steps, batch, learningRate, weightDecay, dropout }: StudyTraining) {
  return { steps, batch, "learning-rate": learningRate, "weight-decay": weightDecay, dropout };
}

const pace = ({ validateEvery }: StudyTraining) => (validateEvery > 0 ? { "validate-every": validateEvery } : {});

function isShort(value: unknown): boolean {
  return JSON.stringify(value).length <= LINE;
}
