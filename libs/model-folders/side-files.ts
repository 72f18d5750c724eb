import { mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { NotWritableError, publishFiles, whyNotWritten } from "#libs/files";
import { recipeName } from "#libs/models";
import { lockOutput, requireWritableOutput } from "./lock-output.ts";
import { type Output, pathIn } from "./output.ts";

/** A file that goes with the weights: its name, with "/" where it lies in a folder below, and its whole content. */
export type SideFile = { readonly name: string; readonly content: string | Uint8Array };

/** How files are called until they are whole: the engine calls its own so too. */
function temporaryName(name: string, key: string): string {
  const folder = posix.dirname(name);
  return `${folder === "." ? "" : `${folder}/`}.${posix.basename(name)}.${key.slice(0, 12)}.partial`;
}

/**
 * Whether a merge of this key was begun in the folder and not finished. Then what is there of it is its own, and the same command goes on.
 */
export async function wasBegun({ directory }: Output, key: string): Promise<boolean> {
  const entries = await readdir(directory).catch((): string[] => []);
  const mark = `.${key.slice(0, 12)}.`;
  return entries.some((entry) => entry.startsWith(".") && (entry.endsWith(`${mark}partial`) || entry.endsWith(`${mark}journal`)));
}

/** Whether any merge was begun in the folder and not finished, of whatever key. */
export async function isAnyBegun({ directory }: Output): Promise<boolean> {
  const entries = await readdir(directory).catch((): string[] => []);
  return entries.some((entry) => /^\..+\.[0-9a-f]{12}\.(partial|journal)$/.test(entry));
}

/**
 * Refuses an output that is there, or that nobody could write, before anything is read for it; unless something was begun there that might
 * be the same, or the recipe that is there might be. @param mayBe whether a recipe may be that of what is asked for
 * @throws NotWritableError, Error
 */
export async function refuseExisting(
  output: Output,
  { force, dryRun }: { readonly force?: boolean; readonly dryRun?: boolean },
  mayBe: (recipe: FoundRecipe) => boolean,
): Promise<void> {
  if (dryRun) return;
  await requireWritableOutput(output);
  if (force) return;
  if (await isAnyBegun(output)) return;
  const names = output.single === undefined ? [] : [output.single, recipeName(output.single)];
  if ((await existing(output, names)).length === 0) return;
  // Another process may be about to finish it, or was killed when it had: then its lock is a file that goes with this one.
  await using _lock = await lockOutput(output);
  const taken = await existing(output, names);
  if (taken.length === 0) return;
  const recipe = await recipeIn(output);
  if (recipe === undefined || !mayBe(recipe)) throw new Error(existsSentence(output, taken));
}

/** What a recipe beside weights says, as far as it can be told before anything is read for another one. */
export type FoundRecipe = { readonly method: unknown; readonly models: number };

async function recipeIn(output: Output): Promise<FoundRecipe | undefined> {
  const name = output.single === undefined ? "recipe.json" : recipeName(output.single);
  try {
    const { inputs, parameters } = JSON.parse(await readFile(pathIn(output, name), "utf8"));
    return { method: parameters.method, models: inputs.models.length };
  } catch {
    return undefined;
  }
}

/**
 * How an output that is there is refused.
 * @example
 * ```ts
 * existsSentence({ kind: "folder", path: "out", directory: "out" }, ["config.json"]); // "out has config.json already; --force overwrites"
 * ```
 */
export function existsSentence({ kind, path }: Output, taken: readonly string[]): string {
  if (kind === "folder") return `${path} has ${taken.join(", ")} already; --force overwrites`;
  return `${taken.join(" and ")} ${taken.length > 1 ? "exist" : "exists"} already; --force overwrites`;
}

/**
 * What of an output is there already: its files, and other weights of the same folder, with which it would be another model.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("model-00001-of-00002.safetensors"), "");
 * const output = await outputOf(directory.path);
 * await existing(output, ["config.json"]); // ["model-00001-of-00002.safetensors"]
 * ```
 */
export async function existing(output: Output, names: readonly string[]): Promise<string[]> {
  const entries = await readdir(output.directory).catch((): string[] => []);
  const isTaken = (entry: string) => names.includes(entry) || (output.kind === "folder" && isWeights(entry));
  const below: string[] = [];
  for (const name of names) if (name.includes("/") && (await stat(pathIn(output, name)).catch(() => undefined))) below.push(name);
  return [...entries.filter(isTaken), ...below].sort();
}

/** Files by which transformers, diffusers and open_clip find the weights of a folder. */
function isWeights(entry: string): boolean {
  return /^(model|diffusion_pytorch_model|open_clip_model)(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/.test(entry);
}

/**
 * Writes the files that go with the weights, under temporary names: so a kill at any time leaves either no model, or one whose command
 * finds its own files and finishes it. The caller holds the output (`lockOutput`). @throws NotWritableError
 */
export async function stageSideFiles(output: Output, key: string, files: readonly SideFile[]): Promise<void> {
  try {
    for (const { name, content } of files) {
      if (name.includes("/")) await mkdir(dirname(pathIn(output, name)), { recursive: true });
      await writeFile(pathIn(output, temporaryName(name, key)), content);
    }
  } catch (cause) {
    await dropSideFiles(output, key, files);
    throw new NotWritableError(output.path, whyNotWritten(cause), { cause });
  }
}

/** Gives staged files their names, when the weights have theirs; the last one is what the next command looks for. */
export async function publishSideFiles(output: Output, key: string, files: readonly SideFile[], fsync: boolean): Promise<void> {
  await publishFiles(
    files.map(({ name }) => ({ from: pathIn(output, temporaryName(name, key)), to: pathIn(output, name) })),
    { fsync },
  );
}

/** Takes staged files away again. */
export async function dropSideFiles(output: Output, key: string, files: readonly SideFile[]): Promise<void> {
  for (const { name } of files) {
    await rm(pathIn(output, temporaryName(name, key)), { force: true });
    // Only where nothing else is in it.
    if (name.includes("/")) await rmdir(dirname(pathIn(output, name))).catch(() => undefined);
  }
}

/** Removes weights of the folder that are not of this output: a reader would take them for its own. */
export async function removeOtherWeights(output: Output, names: readonly string[]): Promise<void> {
  if (output.kind === "file") return;
  for (const entry of await existing(output, [])) if (!names.includes(entry)) await rm(join(output.directory, entry), { force: true });
}

/** Whether a path is a file of these, whatever the names. */
export async function isOneOf(path: string, files: readonly { readonly device: bigint; readonly inode: bigint }[]): Promise<boolean> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found !== undefined && files.some(({ device, inode }) => device === found.dev && inode === found.ino);
}
