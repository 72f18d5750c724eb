import type { Artifacts } from "#libs/artifacts";
import { weightsDigest } from "#libs/models";
import { type Digest, digestOf } from "#libs/recipes";
import { importModel } from "#libs/remote-models";
import { type StudyFile, type StudyFound, studySpec, type TaskFound } from "#libs/runfile";
import { type ProgressStream, showCount, showReading } from "../models/reading-display.ts";
import type { Found } from "./look.ts";
import { ownModel, type Start } from "./models.ts";
import type { Pictures } from "./pictures.ts";

/** Where progress is shown, and whether. */
export type Shown = { readonly stream: ProgressStream; readonly quiet: boolean };

/** The specification of a run whose pictures and models are not imported: digests in it are of nothing. */
export function draftStudy(file: StudyFile, { target, foundation, auxiliaries }: Found): ReturnType<typeof studySpec> {
  const model = ({ model }: Start) => digestOf(model.path);
  const pictures = ({ at, found }: Pictures): TaskFound => ({ ...found, source: digestOf(at.path) });
  return studySpec(file, {
    target: pictures(target),
    ...(foundation ? { foundation: "model" in foundation ? model(foundation) : pictures(foundation) } : {}),
    auxiliaries: auxiliaries.map((auxiliary) => (Array.isArray(auxiliary) ? auxiliary.map(model) : pictures(auxiliary))),
  });
}

/** Puts what a run file names into the catalog, unless it is there, and gives the specification of the run. */
export async function importStudy(
  file: StudyFile,
  found: Found,
  artifacts: Artifacts,
  signal: AbortSignal,
  shown: Shown,
): Promise<ReturnType<typeof studySpec>> {
  const auxiliaries: (readonly string[] | TaskFound)[] = [];
  const target = await pictures(found.target);
  const foundation = found.foundation && ("model" in found.foundation ? await model(found.foundation) : await pictures(found.foundation));
  // Who names them as auxiliaries says that they are fine-tunings of the foundation.
  const base = typeof foundation === "string" ? (foundation as Digest) : undefined;
  for (const auxiliary of found.auxiliaries) {
    if (!Array.isArray(auxiliary)) auxiliaries.push(await pictures(auxiliary));
    else {
      const digests: string[] = [];
      for (const start of auxiliary) digests.push(await model(start, base));
      auxiliaries.push([...new Set(digests)]);
    }
  }
  const complete: StudyFound = { target, ...(foundation ? { foundation } : {}), auxiliaries };
  return studySpec(file, complete);

  async function pictures(found: Pictures): Promise<TaskFound> {
    using packing = showCount(`importing ${found.at.path}`, shown.stream, shown.quiet);
    using checking = showCount(`reading ${found.at.path}`, shown.stream, shown.quiet);
    return await found.import(artifacts, signal, {
      onPacked: (files) => packing.update(files, found.count),
      onChecked: (images, total) => checking.update(images, total),
    });
  }

  async function model(start: Start, base?: Digest): Promise<string> {
    await using stack = new AsyncDisposableStack();
    const model = await ownModel(start, stack);
    const totalBytes = model.files.reduce((sum, { size }) => sum + size, 0);
    using display = showReading(`importing ${model.name}`, shown.stream, shown.quiet);
    let readBytes = 0;
    return await importModel(model, await weightsDigest(model), artifacts, {
      signal,
      base,
      onSent(bytes) {
        readBytes += bytes;
        display.update({ readBytes, totalBytes });
      },
    });
  }
}
