import { join } from "node:path";
import { counted, quote } from "#libs/text";
import type { ImageGroup, ImageSet, LabelledImage } from "../types.ts";
import { type Domain, readClassFolders } from "./class-folders.ts";
import { CLASSES_FILE, type Classes, declaredClasses } from "./classes.ts";
import { distinct } from "./distinct.ts";
import { type Entries, entriesOf } from "./entries.ts";
import { createFindings, type Findings } from "./findings.ts";
import { idxPairs, readIdx } from "./idx.ts";
import { labelsFile, readLabels } from "./labels.ts";
import { reportSet, whyNoDomains } from "./report-set.ts";
import { rootEntries } from "./root-entries.ts";
import { isGoodName, takesImage } from "./walk.ts";

/** Files beside the domains that say something of them: their classes; their licence and origin. */
const BESIDE: readonly string[] = [CLASSES_FILE, "source.json"];

export type ReadOptions = {
  /** All classes that there are, in this order. By default those of `classes.txt`, one a line, or else those that are found. */
  readonly classes?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Looks through a folder of images and says what is there, and what is wrong with it. It reads names and labels, and no image.
 *
 * Each folder in it is a domain: folders of classes with images, at any depth; or images with a CSV of labels, `labels.csv` with the columns
 * `file` and `class`, and perhaps `item`, what each shows; or idx files with MNIST's names, packed with gzip or not. Idx files right in the
 * folder are domains named after the beginning of their names: `train` and `t10k`.
 * @throws ImageSetError where there is no such folder, or it cannot be read, and the signal's reason
 * @example
 * ```ts
 * import { mkdir, writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * for (const path of ["photo/dog", "photo/cat", "sketch/dog"]) {
 *   await mkdir(directory.join(path), { recursive: true });
 *   await writeFile(directory.join(path, "1.jpg"), "");
 * }
 * const { domains, classes, groups, problems } = await readImageSet(directory.path);
 * domains; // ["photo", "sketch"]
 * classes; // ["cat", "dog"]
 * groups.length; // 3
 * problems[0]?.message; // "the class \"cat\" has no image in the domain \"sketch\""
 * ```
 */
export async function readImageSet(path: string, { classes: given, signal }: ReadOptions = {}): Promise<ImageSet> {
  const root = await rootEntries(path, "images", "domain/class/image");
  const findings = createFindings();
  const classes = given ?? (await declaredClasses(path, root.files));
  const pairs = idxPairs(root.files);
  const read = pairs.length > 0 ? idxDomains(path, pairs, findings) : folderDomains(path, root, classes, findings);
  const domains: string[] = [];
  const groups: ImageGroup[] = [];
  for await (const domain of read) {
    signal?.throwIfAborted();
    domains.push(domain.name);
    groups.push(...domain.groups.filter(({ names }) => names.length > 0));
  }
  const found = distinct(groups.map((group) => group.class));
  const set = { path, domains, classes: classes?.filter((name) => found.includes(name)) ?? found, groups };
  reportSet(set, classes ?? found, findings);
  return { ...set, problems: findings.problems() };
}

/** All images of a set, in the order of its rows: by domain, class and name. */
export function* imagesOf({ groups }: Pick<ImageSet, "groups">): Generator<LabelledImage, void, undefined> {
  for (const { domain, class: label, names, contentOf, items } of groups) {
    for (const name of names) {
      const item = items?.get(name);
      yield { domain, class: label, name, content: contentOf(name), ...(item === undefined ? {} : { item }) };
    }
  }
}

type NamedGroups = { readonly name: string; readonly groups: readonly ImageGroup[] };

async function* idxDomains(path: string, pairs: ReturnType<typeof idxPairs>, findings: Findings): AsyncGenerator<NamedGroups> {
  for (const pair of pairs) yield { name: pair.stem, groups: await readIdx(path, pair.stem, [pair], findings) };
}

/** The domains among the folders of a root; what else is there is told of. */
async function* folderDomains(path: string, root: Entries, classes: Classes, findings: Findings): AsyncGenerator<NamedGroups> {
  const looseDomains: string[] = [];
  let found = false;
  for (const name of root.folders) {
    if (!isGoodName(path, name, findings)) continue;
    const { groups, loose } = await readDomain(join(path, name), name, classes, findings);
    if (groups.length > 0) {
      found = true;
      yield { name, groups };
    } else if (loose > 0) looseDomains.push(name);
    else
      findings.report("warning", "empty-domain", `there is no image of a class in ${quote(join(path, name))}: it is taken for no domain`);
  }
  for (const name of root.hidden) findings.leftOut(name);
  const loose = root.files.filter((name) => !BESIDE.includes(name) && takesImage(path, name, findings)).length;
  if (!found) {
    const { kind, message } = whyNoDomains(path, loose, looseDomains);
    if (!findings.failed()) findings.report("error", kind, message);
    return;
  }
  if (loose > 0)
    findings.report(
      "warning",
      "images-in-root",
      `${counted(loose, "image")} right in ${path}, in no domain, ${loose === 1 ? "was" : "were"} left out`,
    );
  for (const name of looseDomains) {
    findings.report(
      "error",
      "no-domains",
      `the folder ${quote(join(path, name))} holds images and no folders of classes, unlike others: expected domain/class/image`,
    );
  }
}

async function readDomain(directory: string, domain: string, classes: Classes, findings: Findings): Promise<Domain> {
  const entries = await entriesOf(directory);
  const pairs = idxPairs(entries.files);
  if (pairs.length > 0) return { groups: await readIdx(directory, domain, pairs, findings), loose: 0 };
  const labels = labelsFile(entries);
  if (labels !== undefined) return readLabels(directory, domain, labels, classes, findings);
  const { groups, loose } = await readClassFolders(directory, domain, entries, classes, findings);
  return { groups: groups.some(({ names }) => names.length > 0) ? groups : [], loose };
}
