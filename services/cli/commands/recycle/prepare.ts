import { relative } from "node:path";
import { create } from "@bufbuild/protobuf";
import { digestOf } from "#libs/recipes";
import { perceptronLoading } from "#libs/reporting";
import { parseRunFile, renderRunFile, runFileKind } from "#libs/runfile";
import { RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { CommandContext } from "../../context.ts";
import { importSource, readSource } from "../../import-source.ts";
import { type PreparedRun, prepareStudy } from "../../study/prepare.ts";

/** Inputs and classes of the digits benchmark. */
const FEATURES = 256;
const CLASSES = 10;

/** Looks at a run file and at what it names. @throws RunFileError, UsageError */
export async function prepareRun(text: string, path: string, context: CommandContext): Promise<PreparedRun> {
  if (runFileKind(text, { path }) === "study") return prepareStudy(text, path, context);
  const { spec, dataPath } = parseRunFile(text, { path });
  const source = await readSource(dataPath);
  return {
    name: spec.name ?? "",
    data: { path: dataPath, source: source.source },
    loading: perceptronLoading({ features: FEATURES, hidden: spec.foundation?.hidden ?? [], classes: CLASSES }),
    draft() {
      const complete = create(RunSpecSchema, spec);
      complete.target!.source = digestOf(dataPath);
      return complete;
    },
    imported: async () => ({ files: source.files.length, bytes: source.files.reduce((sum, { bytes }) => sum + bytes.length, 0) }),
    async specify(artifacts, signal) {
      spec.target.source = await importSource(source, artifacts, signal);
      return spec;
    },
    render: (directory) => renderRunFile(create(RunSpecSchema, spec), { data: relative(directory, dataPath) || "." }),
  };
}
