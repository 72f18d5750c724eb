import { readdir, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { type CheckProgress, type ImageSet, ImageSetError, lookAtImageSet, readImageSet } from "#libs/image-sets";
import { joinLicences, UNKNOWN_LICENCE } from "#libs/recipes";
import { importImages } from "#libs/remote-images";
import { UsageError } from "#libs/service/process";
import { counted, fewLines } from "#libs/text";
import { bytes } from "../../format.ts";
import { readDescription } from "../../import-source.ts";
import { showCount } from "../../models/reading-display.ts";
import type { ImportKind } from "./kind.ts";
import { licencesOf } from "./licence.ts";

/** What a folder of a model has, whatever else is in it. */
export const OF_MODELS = /(^config\.json|\.(safetensors|pth|pt|bin|ckpt|index\.json))$/;

/** Folders of images: domain/class/image, with a CSV of labels, or idx files. */
export const imagesKind: ImportKind = {
  async takes(path) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) return false;
    const names = await readdir(path).catch((): string[] => []);
    return names.some((name) => !name.startsWith(".")) && !names.some((name) => OF_MODELS.test(name));
  },
  async prepare(path, options, context) {
    if (options.base !== undefined) throw new UsageError(`--base is for models, and ${path} is a folder of images`);
    const set = await setAt(path, context.signal);
    const described = await readDescription(path);
    const licence = options.licence === undefined ? described.licence : joinLicences(licencesOf(options.licence));
    const total = set.groups.reduce((sum, { names }) => sum + names.length, 0);
    return {
      path,
      word: basename(resolve(path)),
      async store(channel) {
        const quiet = options.quiet === true || options.json === true;
        using display = showCount(`importing ${path}`, context.stderr, quiet);
        const onPacked = (images: number) => display.update(images, total);
        let checked = "not again: the catalog has it all";
        const look = async () => {
          using checking = showCount(`checking ${path}`, context.stderr, quiet);
          const onProgress = (progress: CheckProgress) => checking.update(progress.images, progress.total);
          const { report, looks } = await lookAtImageSet(path, { signal: context.signal, onProgress });
          refuse(report);
          checked = "every image was read to its end";
          return looks;
        };
        const artifacts = createArtifacts(channel);
        const notes = { licence, source: described.source };
        const imported = await importImages(set, artifacts, { ...notes, signal: context.signal, onPacked, look });
        const { digest, domains, pictures, sentBytes } = imported;
        const all = `${bytes(imported.bytes)} in archives`;
        return {
          digest,
          lines: [
            ["images", `${total}, ${counted(domains.length, "domain")}, ${counted(set.classes.length, "class", "classes")}`],
            ["size", sentBytes < imported.bytes ? `${all}, of which ${bytes(sentBytes)} were sent and the rest was there` : all],
            ["licence", licence === UNKNOWN_LICENCE ? "unknown; --licence or source.json says it" : licence],
            ["checked", checked],
          ],
          facts: { kind: "images", images: total, domains, pictures, classes: set.classes, bytes: imported.bytes, sentBytes, licence },
        };
      },
    };
  },
};

/** @throws UsageError with the first errors of a set that cannot be used */
async function setAt(path: string, signal: AbortSignal) {
  const set = await readImageSet(path, { signal }).catch((cause: unknown) => {
    throw cause instanceof ImageSetError ? new UsageError(cause.message, { cause }) : cause;
  });
  refuse(set);
  return set;
}

/** @throws UsageError with the first errors */
export function refuse({ path, problems }: Pick<ImageSet, "path" | "problems">): void {
  const errors = problems.flatMap(({ severity, message }) => (severity === "error" ? [message] : []));
  if (errors.length > 0) throw new UsageError(fewLines(errors, { most: 3, where: `ratatouille data check ${path}` }).join("; "));
}
