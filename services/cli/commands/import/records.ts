import { readdir, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { ImageSetError } from "#libs/image-sets";
import { joinLicences, UNKNOWN_LICENCE } from "#libs/recipes";
import { isRecordFolder, readRecordSet } from "#libs/record-sets";
import { importRecords } from "#libs/remote-images";
import { UsageError } from "#libs/service/process";
import { counted } from "#libs/text";
import { bytes } from "../../format.ts";
import { readDescription } from "../../import-source.ts";
import { showCount } from "../../models/reading-display.ts";
import { OF_MODELS, refuse } from "./images.ts";
import type { ImportKind } from "./kind.ts";
import { licencesOf } from "./licence.ts";

/** Folders of records: DOMAIN.jsonl, DOMAIN.csv, or domain/class/file of no images. */
export const recordsKind: ImportKind = {
  async takes(path) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) return false;
    const names = await readdir(path).catch((): string[] => []);
    return !names.some((name) => OF_MODELS.test(name)) && (await isRecordFolder(path));
  },
  async prepare(path, options, context) {
    if (options.base !== undefined) throw new UsageError(`--base is for models, and ${path} is a folder of records`);
    const set = await readRecordSet(path, { signal: context.signal }).catch((cause: unknown) => {
      throw cause instanceof ImageSetError ? new UsageError(cause.message, { cause }) : cause;
    });
    refuse(set);
    const described = await readDescription(path);
    const licence = options.licence === undefined ? described.licence : joinLicences(licencesOf(options.licence));
    const { domains, classes, groups } = set;
    const records = domains.map((name) => groups.reduce((sum, { domain, count }) => sum + (domain === name ? count : 0), 0));
    const total = records.reduce((sum, count) => sum + count, 0);
    return {
      path,
      word: basename(resolve(path)),
      async store(channel) {
        using display = showCount(`importing ${path}`, context.stderr, options.quiet === true || options.json === true);
        const onPacked = (count: number) => display.update(count, total);
        const notes = { licence, source: described.source };
        const imported = await importRecords(set, createArtifacts(channel), { ...notes, signal: context.signal, onPacked });
        const { digest, sentBytes } = imported;
        const all = `${bytes(imported.bytes)} in shards`;
        return {
          digest,
          lines: [
            ["records", `${total}, ${counted(domains.length, "domain")}, ${counted(classes.length, "class", "classes")}`],
            ["size", sentBytes < imported.bytes ? `${all}, of which ${bytes(sentBytes)} were sent and the rest was there` : all],
            ["licence", licence === UNKNOWN_LICENCE ? "unknown; --licence or source.json says it" : licence],
          ],
          facts: {
            kind: "records",
            records: total,
            domains,
            recordsOfDomains: records,
            classes,
            bytes: imported.bytes,
            sentBytes,
            licence,
          },
        };
      },
    };
  },
};
