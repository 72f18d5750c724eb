import type { MessageInitShape } from "@bufbuild/protobuf";
import { OnFailure, type RunSpecSchema, type Study_TaskSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { PicturesAt, StudyFile } from "./study.ts";

/** Pictures that were looked at and imported. */
export type TaskFound = {
  /** Digest of the import. */
  readonly source: string;
  readonly domains: readonly string[];
  readonly classes: readonly string[];
  /** How many pictures each domain has. */
  readonly pictures: readonly number[];
};

/** What was found and imported of a run file: digests of models, and of pictures. */
export type StudyFound = {
  readonly target: TaskFound;
  /** Where the foundation is a model its digest, where it is trained its task. */
  readonly foundation?: string | TaskFound;
  /** For each auxiliary, in order: digests of its models, or its task. */
  readonly auxiliaries: readonly (readonly string[] | TaskFound)[];
};

type Init = MessageInitShape<typeof RunSpecSchema>;

/** The specification of a run file whose pictures and models are imported. */
export function studySpec(file: StudyFile, found: StudyFound): Init {
  const { foundation } = found;
  return {
    name: file.name,
    seeds: [...file.seeds],
    backend: file.backend,
    backends: [...file.backends],
    methods: [...file.methods],
    onFailure: file.onFailure === "continue" ? OnFailure.CONTINUE : OnFailure.FAIL,
    study: {
      target: task(file.target, found.target),
      heldOut: [...(file.heldOut ?? found.target.domains)],
      heldOutItems: file.heldOutItems,
      validationFraction: file.validationFraction,
      network: { ...file.network, hidden: [...file.network.hidden], head: [...file.network.head] },
      foundation:
        typeof foundation === "string"
          ? { from: { case: "model", value: foundation } }
          : foundation && file.foundation.kind === "pictures"
            ? {
                from: {
                  case: "pretraining",
                  value: { task: task(file.foundation.pictures, foundation), training: file.foundation.training },
                },
              }
            : {},
      auxiliaries: file.auxiliaries.map(({ name, from, count, ...trainings }, i) => {
        const own = found.auxiliaries[i]!;
        if (!("source" in own)) return { name, models: [...own] };
        const at: PicturesAt = from.kind === "pictures" ? from.pictures : { path: "", generator: folderGenerator(file) };
        return { name, task: task(at, own), probe: trainings.probe, training: trainings.training, count };
      }),
      probe: file.probe,
      members: file.members,
      fineTuning: file.fineTuning,
      ranges: {
        draw: file.ranges.draw,
        learningRates: [...file.ranges.learningRates],
        dropouts: [...file.ranges.dropouts],
        weightDecays: [...file.ranges.weightDecays],
      },
      ...(file.transform ? { transform: file.transform } : {}),
      arithmetic: file.arithmetic ?? "",
      curves: file.curves,
      sharedImages: file.sharedImages,
    },
  };
}

/** How data are made of a folder that a run file names without saying what is in it: they are of the kind of the target's. */
export function folderGenerator({ target }: Pick<StudyFile, "target">): "image-shards/1" | "records/1" {
  return target.generator === "records/1" ? "records/1" : "image-shards/1";
}

function task({ generator }: PicturesAt, { source, domains, classes, pictures }: TaskFound): MessageInitShape<typeof Study_TaskSchema> {
  return { source, generator, domains: [...domains], classes: [...classes], images: [...pictures] };
}
