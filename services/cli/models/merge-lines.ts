import type { MergeEstimate, ModelToWrite, WrittenModel } from "#libs/merged-models";
import { pathIn } from "#libs/model-folders";
import { counted } from "#libs/text";
import { bytes, duration, short } from "../format.ts";
import type { WritingOptions } from "./writing-options.ts";

/** What a merge would do: for people, or as one JSON object. */
export function estimateLines(
  needs: MergeEstimate,
  { merge, method, output, ...model }: ModelToWrite,
  options: WritingOptions,
  threads: number,
): string {
  const { readBytes, writtenBytes, memoryBytes, seconds, steps } = needs;
  const files = merge.outputs.map(({ name, size }) => ({ path: pathIn(output, name), size }));
  const models = model.models.map(({ name }, i) => ({ name, digest: model.digests[i] }));
  const base = model.base && { name: model.base.name, digest: model.baseDigest };
  if (options.json) {
    return `${JSON.stringify({ dryRun: true, key: merge.key, method: method.name, models, base, files, steps, readBytes, writtenBytes, memoryBytes, seconds, threads })}\n`;
  }
  const passes = ({ passes: count, atMost }: MergeEstimate["steps"][number]) =>
    count === 1 ? "" : `, ${atMost ? "at most " : ""}${count} passes`;
  const rows = [
    ["would write", files.length === 1 ? files[0]!.path : `${output.path}: ${files.length} files`],
    ...(base ? [["base", `${base.name}  ${short(base.digest ?? "")}`]] : []),
    ...models.map(({ name, digest = "" }, i) => [i === 0 ? "of" : "", `${name}  ${short(digest)}`]),
    ...steps.map((step, i) => [i === 0 ? "how" : "", `${step.method}: ${counted(step.tensors, "tensor")}${passes(step)}`]),
    ["reads", bytes(readBytes)],
    ["writes", bytes(writtenBytes)],
    ["memory", `about ${bytes(memoryBytes)} with ${counted(threads, "thread")}`],
    ["time", `about ${duration(Math.max(100, 1000 * seconds))}, if the files are in memory already`],
  ];
  return rows.map(([name = "", value]) => `${name.padEnd(13)}${value}\n`).join("");
}

/** What a merge has done: for people, or as one JSON object. */
export function resultLines(written: WrittenModel, { output, models: parents }: ModelToWrite, options: WritingOptions): string {
  const { files, readBytes, seconds, resumed, redone, facts, key, existed } = written;
  if (options.json) {
    const models = facts.models.map(({ label, digest }) => ({ name: label, digest }));
    const licence = "expression" in facts.licence ? facts.licence.expression : null;
    const paths = files.map(({ name, size, digest }) => ({ path: pathIn(output, name), size, digest }));
    return `${JSON.stringify({ out: output.path, files: paths, key, method: facts.method.name, models, licence, readBytes, seconds, resumed, redone, existed })}\n`;
  }
  const speed = seconds > 0 ? ` (${(readBytes / seconds / 1e9).toFixed(1)} GB/s)` : "";
  const licence = "expression" in facts.licence ? facts.licence.expression : `none known (${facts.licence.why})`;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const rows = [
    ...files.map(({ name, digest }) => [pathIn(output, name), digest]),
    [
      "",
      existed
        ? "there already, as this command has made it before"
        : `${counted(parents.length, "model")}, ${facts.method.title.toLowerCase()}; ${bytes(size)} in ${duration(1000 * seconds)}${readBytes > 100e6 ? speed : ""}${resumed ? ", resumed" : ""}`,
    ],
    ["", `licence: ${licence}`],
  ];
  const width = Math.min(40, Math.max(...rows.map(([name = ""]) => name.length)));
  return rows.map(([name = "", value]) => `${(name === "" ? "" : name.padEnd(width)) + (name === "" ? "" : "  ")}${value}\n`).join("");
}
