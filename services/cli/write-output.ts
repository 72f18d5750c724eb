import { join } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { makeFolder, replaceFile } from "#libs/files";
import { licenceFilesOf } from "#libs/model-folders";
import { fetchModel } from "#libs/remote-models";
import { type Loading, modelCard, modelFolder, modelLicence, type Report, renderHtml, renderMarkdown } from "#libs/reporting";

/** Where the images of a task lie, and where they are from, in words. */
export type TaskData = { readonly path: string; readonly source: string };

/** Writes a report, the run file and the averaged models below a directory. Each file is complete or absent. */
export async function writeOutput(
  directory: string,
  report: Report,
  { data, loading, render }: { readonly data: TaskData; readonly loading: Loading; render(directory: string): string },
  artifacts: Artifacts,
  signal: AbortSignal,
): Promise<void> {
  await makeFolder(directory);
  await replaceFile(join(directory, "report.json"), `${JSON.stringify(report, null, 1)}\n`);
  const runFile = render(directory);
  await replaceFile(join(directory, "run.yaml"), runFile);
  await replaceFile(join(directory, "report.html"), renderHtml(report, { runFile }));
  await replaceFile(join(directory, "report.md"), renderMarkdown(report));
  const texts = (await licenceFilesOf({ path: data.path, kind: "folder" })).map(({ name, content }) => ({
    label: "the data",
    file: name,
    text: content,
  }));
  const licence = modelLicence(report, { source: data.source, texts });
  for (const { seed, heldOut, averages } of report.cells) {
    const digest = averages.find(({ method }) => method === "recycling")?.model;
    if (digest === undefined) continue;
    const folder = join(directory, modelFolder({ seed, heldOut }));
    const weights = await fetchModel(folder, digest, artifacts, signal);
    await replaceFile(join(folder, "README.md"), modelCard({ report, seed, heldOut, model: digest, weights, loading }));
    if (licence !== undefined) await replaceFile(join(folder, "LICENSE"), licence);
  }
}
