import { basename, resolve } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import type { ModelFiles } from "#libs/models";
import { type Digest, joinLicences, UNKNOWN_LICENCE } from "#libs/recipes";
import { importModel } from "#libs/remote-models";
import { UsageError } from "#libs/service/process";
import { counted, list } from "#libs/text";
import type { CommandContext } from "../../context.ts";
import { bytes } from "../../format.ts";
import { showDigests } from "../../models/digests.ts";
import { openPath, sayNotes } from "../../models/inputs.ts";
import { showReading } from "../../models/reading-display.ts";
import { writeWrapped } from "../../write-wrapped.ts";
import type { ImportKind, Stored } from "./kind.ts";
import { licencesOf } from "./licence.ts";

/** Models: files of safetensors or PyTorch, and folders as Hugging Face has them. */
export const modelKind: ImportKind = {
  async takes() {
    return true;
  },
  async prepare(path, options, context) {
    const opened = await openPath(path);
    sayNotes(opened, context);
    requireWhole(opened);
    const model = options.licence === undefined ? opened : { ...opened, licences: licencesOf(options.licence) };
    sayConflict(opened.licences, model.licences, path, context);
    const quiet = options.quiet === true || options.json === true;
    const [digest] = await showDigests([model], { quiet }, context);
    return {
      path,
      word: basename(resolve(path))
        .replace(/\.(safetensors|pth|pt|bin|ckpt)(\.index\.json)?(?=#|$)/, "")
        .replace("#", "-"),
      async store(channel, base) {
        const totalBytes = [...model.tensors.values()].reduce((sum, { length }) => sum + length, 0);
        let sentBytes = 0;
        using display = showReading(`importing ${path}`, context.stderr, quiet);
        const onSent = (count: number) => {
          sentBytes += count;
          display.update({ readBytes: Math.min(sentBytes, totalBytes), totalBytes });
        };
        const artifact = await importModel(model, digest!, createArtifacts(channel), { signal: context.signal, onSent, base });
        return storedOf(model, artifact, totalBytes, sentBytes);
      },
    };
  },
};

/** What the card of a model says of its licence gives way to `--licence`, but not in silence. */
function sayConflict(card: readonly string[], said: readonly string[], path: string, { stderr }: CommandContext): void {
  if (card.length === 0 || joinLicences(card) === joinLicences(said)) return;
  writeWrapped(
    stderr,
    `note: ${path} says of itself that its licence is ${joinLicences(card)}; it is imported as ${joinLicences(said)}, as --licence says\n`,
  );
}

/** The catalog has whole models, each in one file. */
function requireWhole({ name, kind, folders = [] }: ModelFiles): void {
  if (kind === "adapter")
    throw new UsageError(`${name} is an adapter, and the catalog has whole models: apply it first (ratatouille merge, with model+adapter)`);
  if (folders.length > 0) throw new UsageError(`${name} has weights in ${folders[0]}/ too, and the catalog has models in one file`);
}

function storedOf({ tensors, licences }: ModelFiles, digest: Digest, sizeBytes: number, sentBytes: number): Stored {
  const numbers = new Map<string, number>();
  for (const { dtype, shape } of tensors.values()) numbers.set(dtype, (numbers.get(dtype) ?? 0) + shape.reduce((a, b) => a * b, 1));
  const parameters = [...numbers.values()].reduce((a, b) => a + b, 0);
  const dtypes = [...numbers].sort(([, a], [, b]) => b - a).map(([dtype]) => dtype);
  const licence = joinLicences(licences);
  return {
    digest,
    lines: [
      ["parameters", `${parameters.toLocaleString("en")} in ${counted(tensors.size, "tensor")}, ${list(dtypes)}`],
      ["size", `${bytes(sizeBytes)}${sentBytes === 0 && sizeBytes > 0 ? ", which the catalog had already" : ""}`],
      ["licence", licence === "" || licence === UNKNOWN_LICENCE ? UNKNOWN : licence],
    ],
    facts: {
      kind: "model",
      parameters,
      tensors: tensors.size,
      dtypes,
      sizeBytes,
      sentBytes,
      licences: licence === "" ? [UNKNOWN_LICENCE] : licences,
    },
  };
}

const UNKNOWN = "unknown, and so is that of all that is made of this model; --licence says it";
