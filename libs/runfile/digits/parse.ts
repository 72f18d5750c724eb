import { dirname, resolve as resolvePath } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { OnFailure, type RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { openDocument } from "../document.ts";
import { RunFileError } from "../problems.ts";
import { checkRules } from "./rules.ts";
import { type RunFile, runFile } from "./schema.ts";

/** A `RunSpec` whose `target.source` is still empty: it is the digest of the data, which is not uploaded yet. */
export type RunSpecDraft = MessageInitShape<typeof RunSpecSchema> & { target: { source: string } };

/**
 * Reads a run file. `path` is its own; `dataPath` is absolute, since `target.data` is relative to the run file.
 * Keys that are left out have the values of the digits benchmark.
 * @throws RunFileError with every mistake in it.
 * @example
 * ```ts
 * const text = "name: night\nseeds: [1, 2]\ntarget: { data: digits }\n";
 * const { spec, dataPath } = parseRunFile(text, { path: "/runs/night.yaml" });
 * [spec.name, spec.seeds, dataPath]; // ["night", [1, 2], "/runs/digits"]
 * ```
 */
export function parseRunFile(
  text: string,
  { path }: { readonly path: string },
): { readonly spec: RunSpecDraft; readonly dataPath: string } {
  const source = openDocument(text, path);
  const file = runFile({ node: source.document.contents, name: "", source });
  if (file !== undefined) checkRules(file, source);
  if (file === undefined || source.problems.length > 0) throw new RunFileError(path, source.problems);
  return { spec: toSpec(file), dataPath: resolvePath(dirname(path), file.target.data) };
}

function toSpec(file: RunFile): RunSpecDraft {
  const tuning = file["fine-tuning"];
  return {
    name: file.name,
    seeds: file.seeds,
    backend: file.backend,
    target: {
      source: "",
      domains: file.target.domains,
      heldOut: file.target["held-out"],
      validationFraction: file.target["validation-fraction"],
    },
    foundation: { data: glyphs(file.foundation.data), hidden: file.foundation.hidden, training: training(file.foundation.training) },
    auxiliaries: file.auxiliaries.map((auxiliary) => ({
      name: auxiliary.name,
      data: glyphs(auxiliary.data),
      probe: training(auxiliary.probe),
      training: training(auxiliary.training),
    })),
    probe: training(file.probe),
    fineTuning: {
      members: tuning.members,
      training: training(tuning),
      validateEvery: tuning["validate-every"],
      learningRateFactors: tuning["learning-rate-factors"],
      dropouts: tuning.dropouts,
      weightDecays: tuning["weight-decays"],
    },
    methods: file.methods,
    onFailure: file["on-failure"] === "continue" ? OnFailure.CONTINUE : OnFailure.FAIL,
  };
}

function training(section: { readonly steps: number; readonly batch: number; readonly "learning-rate": number }) {
  return { steps: section.steps, batch: section.batch, learningRate: section["learning-rate"] };
}

function glyphs(section: RunFile["foundation"]["data"]) {
  return { classes: section.classes, images: section.images, styles: [...section.styles], rotation: section.rotation };
}
