import { readdir, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { ImageSetError, readImageSet } from "#libs/image-sets";
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
const OF_MODELS = /(^config\.json|\.(safetensors|pth|pt|bin|ckpt|index\.json))$/;

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
        using display = showCount(`importing ${path}`, context.stderr, options.quiet === true || options.json === true);
        const onPacked = (images: number) => display.update(images, total);
        const artifacts = createArtifacts(channel);
        const imported = await importImages(set, artifacts, { licence, source: described.source, signal: context.signal, onPacked });
        const { digest, domains, pictures, sentBytes } = imported;
        const all = `${bytes(imported.bytes)} in archives`;
        return {
          digest,
          lines: [
            ["images", `${total}, ${counted(domains.length, "domain")}, ${counted(set.classes.length, "class", "classes")}`],
            ["size", sentBytes < imported.bytes ? `${all}, of which ${bytes(sentBytes)} were sent and the rest was there` : all],
            ["licence", licence === UNKNOWN_LICENCE ? "unknown; --licence or source.json says it" : licence],
            ["checked", `names and places; ratatouille data check ${path} reads every image`],
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
  const errors = set.problems.flatMap(({ severity, message }) => (severity === "error" ? [message] : []));
  if (errors.length === 0) return set;
  throw new UsageError(fewLines(errors, { most: 3, where: `ratatouille data check ${path}` }).join("; "));
}
