import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { type ImageSet, ImageSetError, imagesOf, lookAtImageSet, readImageSet } from "#libs/image-sets";
import { readDigits } from "#libs/image-sets/generators";
import { annotations, buildSourceManifest, digestOf, mediaTypes, type Recipe } from "#libs/recipes";
import { isRecordFolder, readRecordSet } from "#libs/record-sets";
import { importImages, importRecords } from "#libs/remote-images";
import type { PicturesAt, StudyFile, TaskFound } from "#libs/runfile";
import { UsageError } from "#libs/service";
import { fewLines } from "#libs/text";
import { fileProblem } from "../file-problem.ts";
import { readDescription } from "../import-source.ts";

/** How far an import is. */
export type ImportProgress = { readonly onPacked: (files: number) => void; readonly onChecked: (images: number, total: number) => void };

/** Pictures of a run file, looked at and not yet imported. */
export type Pictures = {
  readonly at: PicturesAt;
  readonly domains: readonly string[];
  readonly classes: readonly string[];
  /** Licence and origin, from source.json beside them. */
  readonly licence: string;
  readonly source: string;
  /** Images or records that go in, or files of digits. */
  readonly count: number;
  /** What is odd about the folder and forbids nothing: sentences. */
  readonly notes: readonly string[];
  /** How many bytes they have. */
  bytes(): Promise<number>;
  /** What is known of them before they are imported: `source` is then the digest of something else. */
  readonly found: Omit<TaskFound, "source">;
  /** Puts them into the catalog. If it lacks any of them or does not know what they look like, all are decoded before one is sent: one that cannot be ends the import. */
  import(artifacts: Artifacts, signal: AbortSignal, progress: ImportProgress): Promise<TaskFound>;
};

type Key = readonly (string | number)[];

/** Idx files, as MNIST has them. */
const IDX = /^(train|t10k|test)?-?(images-idx3|labels-idx1)-ubyte(\.gz)?$/;
/** What is made of MNIST, as DomainBed calls it. */
const MNIST = {
  "rotated-mnist/1": { domains: ["0", "15", "30", "45", "60", "75"], classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] },
  "colored-mnist/1": { domains: ["+90%", "+80%", "-90%"], classes: ["0", "1"] },
} as const;

/**
 * Looks at the pictures that a key of a run file names: which domains and classes there are. No picture is read.
 * @throws RunFileError at the key, with what is wrong with the folder.
 */
export async function lookAtPictures(file: StudyFile, key: Key, at: PicturesAt): Promise<Pictures> {
  if (at.generator === "records/1") return recordFolder(file, key, at);
  return at.generator === "image-shards/1" ? imageFolder(file, key, at) : mnistFolder(file, key, at, at.generator);
}

async function imageFolder(file: StudyFile, key: Key, at: PicturesAt): Promise<Pictures> {
  const refused = (cause: unknown) => {
    throw cause instanceof ImageSetError ? file.problem(key, `cannot be used: ${cause.message}`) : cause;
  };
  const set = await readImageSet(at.path).catch(refused);
  if (set.groups.length === 0 && (await isRecordFolder(at.path)))
    throw file.problem(key, `names ${at.path}, which has records and no images: write \`records\` in the place of \`images\``);
  refuse(file, key, set);
  const described = await readDescription(at.path);
  return {
    ...{ at, domains: set.domains, classes: set.classes, ...described },
    count: set.groups.reduce((sum, { names }) => sum + names.length, 0),
    notes: oddities(set),
    bytes: () => bytesOf([...imagesOf(set)].flatMap(({ content }) => ("path" in content ? [content.path] : []))),
    found: { domains: set.domains, classes: set.classes, pictures: set.domains.map((domain) => countOf(set, domain)) },
    async import(artifacts, signal, { onPacked, onChecked }) {
      const look = async () => {
        const { report, looks } = await lookAtImageSet(at.path, { signal, onProgress: ({ images, total }) => onChecked(images, total) });
        refuse(file, key, report);
        return looks;
      };
      const { digest, domains, pictures } = await importImages(set, artifacts, { ...described, signal, onPacked, look }).catch(refused);
      return { source: digest, domains, classes: set.classes, pictures };
    },
  };
}

async function recordFolder(file: StudyFile, key: Key, at: PicturesAt): Promise<Pictures> {
  const refused = (cause: unknown) => {
    throw cause instanceof ImageSetError ? file.problem(key, `cannot be used: ${cause.message}`) : cause;
  };
  const set = await readRecordSet(at.path).catch(refused);
  refuse(file, key, set);
  const { domains, classes } = set;
  const countOf = (name?: string) =>
    set.groups.reduce((sum, { domain, count }) => sum + (name === undefined || domain === name ? count : 0), 0);
  if (file.heldOutItems > 0 && set.withItem < countOf())
    throw file.problem(
      ["held-out-items"],
      `needs an \`item\` in every record, what it shows, and ${countOf() - set.withItem} of ${countOf()} in ${at.path} have none`,
    );
  const described = await readDescription(at.path);
  const found = { domains, classes, pictures: domains.map(countOf) };
  return {
    ...{ at, domains, classes, ...described, found },
    count: countOf(),
    notes: oddities(set),
    bytes: async () => set.groups.reduce((sum, { bytes }) => sum + bytes, 0),
    async import(artifacts, signal, { onPacked }) {
      const { digest } = await importRecords(set, artifacts, { ...described, signal, onPacked }).catch(refused);
      return { source: digest, ...found };
    },
  };
}

/** The first warnings. A single domain is one of a target only, and there it is an error. */
function oddities({ path, problems }: Pick<ImageSet, "path" | "problems">): string[] {
  const warnings = problems.flatMap(({ severity, kind, message }) => (severity === "warning" && kind !== "one-domain" ? [message] : []));
  return fewLines(warnings, { most: 3, where: `ratatouille data check ${path}` }).map((warning) => `${path}: ${warning}`);
}

/** @throws RunFileError with the first errors. */
function refuse(file: StudyFile, key: Key, { path, problems }: Pick<ImageSet, "path" | "problems">): void {
  const errors = problems.flatMap(({ severity, message }) => (severity === "error" ? [message] : []));
  if (errors.length > 0)
    throw file.problem(key, `cannot be used: ${fewLines(errors, { most: 3, where: `ratatouille data check ${path}` }).join("; ")}`);
}

async function mnistFolder(file: StudyFile, key: Key, at: PicturesAt, generator: keyof typeof MNIST): Promise<Pictures> {
  const names = await readdir(at.path).catch((cause: unknown) => {
    throw file.problem(key, `names ${at.path}, which cannot be read: ${fileProblem(cause)}`);
  });
  const idx = names.filter((name) => IDX.test(name)).sort();
  for (const kind of ["images-idx3", "labels-idx1"])
    if (!idx.some((name) => name.includes(kind)))
      throw file.problem(
        key,
        `names ${at.path}, which has no idx file of ${kind.startsWith("images") ? "images" : "labels"}, such as train-${kind}-ubyte`,
      );
  const described = await readDescription(at.path);
  const { domains, classes } = MNIST[generator];
  const contents = new Map<string, Uint8Array>();
  for (const name of idx) contents.set(name, await readOf(join(at.path, name)));
  const pictures = dealt(digitsOf(contents), domains.length);
  return {
    ...{ at, domains, classes, ...described, count: idx.length, notes: [] },
    bytes: async () => [...contents.values()].reduce((sum, { length }) => sum + length, 0),
    found: { domains, classes, pictures },
    async import(artifacts, signal, { onPacked }) {
      const files = [];
      for (const [name, bytes] of contents) {
        const upload = { mediaType: mediaTypes.sourceLayer, annotations: { [annotations.title]: name }, signal };
        files.push({ path: name, digest: digestOf(bytes), bytes: bytes.length, uploaded: await artifacts.upload(bytes, upload) });
        onPacked(files.length);
      }
      const listed = files.map(({ path, digest, bytes }) => ({ path, digest, bytes }));
      const recipe: Recipe = { kind: "import", inputs: {}, parameters: { files: listed, ...described } };
      const built = buildSourceManifest({ recipe, licences: [described.licence], files: files.map(({ uploaded }) => uploaded) });
      const { digest } = await artifacts.publish(built, { signal });
      return { source: digest, domains, classes, pictures };
    },
  };

  function digitsOf(files: ReadonlyMap<string, Uint8Array>): number {
    try {
      return readDigits(files).count;
    } catch (cause) {
      throw cause instanceof ImageSetError ? file.problem(key, `names ${at.path}, which cannot be used: ${cause.message}`) : cause;
    }
  }
}

async function readOf(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new UsageError(`cannot read ${path}: ${fileProblem(cause)}`, { cause });
  });
}

/** How many of so many images each domain has, where they are dealt out one after another. */
function dealt(images: number, domains: number): number[] {
  return Array.from({ length: domains }, (_, place) => Math.ceil((images - place) / domains));
}

function countOf({ groups }: ImageSet, domain: string): number {
  return groups.reduce((sum, group) => sum + (group.domain === domain ? group.names.length : 0), 0);
}

async function bytesOf(paths: readonly string[]): Promise<number> {
  let sum = 0;
  for (const path of paths) sum += (await stat(path)).size;
  return sum;
}
