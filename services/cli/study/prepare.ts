import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Artifacts } from "#libs/artifacts";
import { describePreset } from "#libs/images";
import type { Network } from "#libs/networks";
import { type Loading, networkLoading, unknownLoading } from "#libs/reporting";
import { parseStudyFile, renderStudyFile, withPaces } from "#libs/runfile";
import type { RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { CommandContext } from "../context.ts";
import type { TaskData } from "../write-output.ts";
import { writeWrapped } from "../write-wrapped.ts";
import { cautions } from "./cautions.ts";
import { draftStudy, importStudy, type Shown } from "./import-study.ts";
import { look } from "./look.ts";
import type { Start } from "./models.ts";

/** A run file that was looked at: what a run of it needs, and what its report says. */
export type PreparedRun = {
  readonly name: string;
  /** Where the pictures of the target are, and where they are from. */
  readonly data: TaskData;
  /** How its models are loaded. */
  readonly loading: Loading;
  /** The specification before anything is imported: digests in it are of nothing. */
  draft(): MessageInitShape<typeof RunSpecSchema>;
  /** What goes into the catalog before anything is trained. */
  imported(): Promise<{ readonly files: number; readonly bytes: number }>;
  /** Undefined where only a trainer knows it, and for digits. */
  readonly network?: Network;
  /** A network that only a trainer knows, and how many bytes its weights have, where some are given. */
  readonly foreign?: { readonly name: string; readonly bytes: number };
  /** Puts what it names into the catalog, and gives the specification. */
  specify(artifacts: Artifacts, signal: AbortSignal, shown: Shown): Promise<MessageInitShape<typeof RunSpecSchema>>;
  /** The run file beside the report. */
  render(directory: string): string;
};

/** Looks at all that a run file of pictures names. What was done to see weights as the network's is said, and what is odd. @throws RunFileError, UsageError */
export async function prepareStudy(text: string, path: string, { stderr }: Pick<CommandContext, "stderr">): Promise<PreparedRun> {
  const written = parseStudyFile(text, { path });
  const found = await look(written);
  const file = withPaces(written, found.target.found);
  const starts = [...(found.foundation ? [found.foundation] : []), ...found.auxiliaries.flat()];
  const notes = new Set([found.target, ...starts].flatMap((each) => each.notes));
  for (const note of [...notes, ...cautions(file)]) writeWrapped(stderr, `note: ${note}\n`);
  const { network, target } = found;
  return {
    name: file.name,
    data: { path: file.target.path, source: target.source },
    loading:
      network && file.transform
        ? networkLoading(network, target.classes, describePreset(file.transform.validation, network.input))
        : unknownLoading(file.network.name, target.classes, file.target.generator === "records/1" ? "records" : "images"),
    ...(network ? { network } : { foreign: { name: file.network.name, bytes: Math.max(0, ...starts.map(bytesOfStart)) } }),
    draft: () => draftStudy(file, found),
    async imported() {
      const pictures = [target, found.foundation, ...found.auxiliaries].flatMap((each) =>
        each && "at" in each && !Array.isArray(each) ? [each] : [],
      );
      const models = starts.flatMap((start) => ("model" in start ? start.model.files : []));
      let bytes = models.reduce((sum, { size }) => sum + size, 0);
      for (const each of pictures) bytes += await each.bytes();
      return { files: models.length + pictures.reduce((sum, { count }) => sum + count, 0), bytes };
    },
    specify: (artifacts, signal, shown) => importStudy(file, found, artifacts, signal, shown),
    render: (directory) => renderStudyFile(file, { directory }),
  };
}

/** Bytes of the weights of a model; 0 of what is none. */
function bytesOfStart(start: object): number {
  return "model" in start ? [...(start as Start).model.tensors.values()].reduce((sum, { length }) => sum + length, 0) : 0;
}
