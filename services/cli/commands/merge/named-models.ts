import { mkdir, readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LockedError, lockFile } from "#libs/files";
import { applyAdapter } from "#libs/merging";
import { type MergekitConfig, type OpenedModel, type Reference, referencesOf } from "#libs/merging/mergekit";
import type { Output } from "#libs/model-folders";
import { ModelError, type ModelFiles, openModel, withoutPart } from "#libs/models";
import { digestOf } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../../context.ts";
import { showDigests } from "../../models/digests.ts";
import { openInputs, sayNotes } from "../../models/inputs.ts";
import type { MergeOptions } from "./options.ts";

/** The models that a configuration names, by the text that names them. Models with adapters lie in a folder that goes when this is disposed. */
export type NamedModels = AsyncDisposable & { readonly models: ReadonlyMap<string, OpenedModel> };

/**
 * Opens all models of a configuration, `places` before what is there by name, and finds their digests. Adapters are applied first, as mergekit does: the model that comes of it is
 * written beside the output for as long as the merge takes.
 * @throws UsageError for names that are nothing here
 */
export async function openNamed(
  config: MergekitConfig,
  places: ReadonlyMap<string, string>,
  options: MergeOptions,
  output: Output,
  context: CommandContext,
): Promise<NamedModels> {
  const references = [...new Map([...referencesOf(config)].map((reference) => [reference.text, reference])).values()];
  const names = [...new Set(references.flatMap(({ model, adapter }) => (adapter === undefined ? [model] : [model, adapter])))];
  const files = new Map<string, ModelFiles>();
  for (const name of names) files.set(name, await openOne(name, lineOf(name, references), config, places, options, context));
  for (const model of files.values()) sayNotes(model, context);
  const digests = await showDigests([...files.values()], options, context);
  const plain = new Map([...files].map(([name, model], i) => [name, { model, digest: digests[i]! }]));
  const models = new Map<string, OpenedModel>();
  await using stack = new AsyncDisposableStack();
  for (const { text, model, adapter, line } of references) {
    const base = plain.get(model)!;
    if (base.model.kind === "adapter")
      throw new UsageError(
        `${config.path}: \`${model}\` at line ${line} is an adapter: write model+${model}, with the model that it is for`,
      );
    if (adapter === undefined) models.set(text, base);
    // A dry run writes nothing: what the adapter makes of the model has the model's tensors.
    else if (options.dryRun)
      models.set(text, { ...base, model: { ...base.model, name: text, applied: { base, adapter: plain.get(adapter)! } } });
    else models.set(text, await withAdapter(base, plain.get(adapter)!, options, output, context, stack));
  }
  const owned = stack.move();
  return { models, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function lineOf(name: string, references: readonly Reference[]): number {
  return references.find(({ model, adapter }) => model === name || adapter === name)!.line;
}

async function openOne(
  name: string,
  line: number,
  config: MergekitConfig,
  places: ReadonlyMap<string, string>,
  options: MergeOptions,
  context: CommandContext,
): Promise<ModelFiles> {
  const below = options.modelsDir === undefined ? undefined : join(options.modelsDir, name);
  try {
    const place = places.get(name);
    if (place !== undefined) return await openModel(place, name);
    if (await exists(name)) return await openModel(name);
    if (below !== undefined && (await exists(below))) return await openModel(below, name);
    const catalog = options.server !== undefined || (await exists(options.data));
    if (catalog || name.startsWith("sha256:")) return (await openInputs([name], options, context))[0]!;
  } catch (cause) {
    if (cause instanceof UsageError) throw new UsageError(`${config.path}, line ${line}: ${cause.message}`, { cause });
    if (cause instanceof ModelError) throw new UsageError(`${config.path}, line ${line}: ${cause.message}`, { cause });
    throw cause;
  }
  const cached = await inHubCache(name, options.modelsDir);
  if (cached !== undefined)
    throw new UsageError(
      `${config.path}, line ${line}: \`${name}\` is in a cache of the hub, in which models have versions: write ${cached} instead, or link it as ${join(options.modelsDir ?? ".", name)}`,
    );
  const where = below === undefined ? `${resolve(name)} is not there` : `neither ${resolve(name)} nor ${resolve(below)} is there`;
  const advice = /^[\w.-]+\/[\w.-]+$/.test(name)
    ? "nothing is downloaded here, so give the folder of the model, or with --models-dir the folder that has it"
    : "paths are relative to the folder where the command is run";
  throw new UsageError(`${config.path}: there is no model \`${name}\`, which line ${line} names: ${where}; ${advice}`);
}

/** The newest version of a model in a cache of the hub, where one is meant. */
async function inHubCache(name: string, modelsDir = "."): Promise<string | undefined> {
  const folder = join(modelsDir, `models--${name.replaceAll("/", "--")}`);
  const revision = await readFile(join(folder, "refs", "main"), "utf8").catch(() => "");
  if (revision.trim() !== "") return join(folder, "snapshots", revision.trim());
  const [any] = await readdir(join(folder, "snapshots")).catch(() => []);
  return any === undefined ? undefined : join(folder, "snapshots", any);
}

async function withAdapter(
  base: OpenedModel,
  adapter: OpenedModel,
  options: MergeOptions,
  output: Output,
  context: CommandContext,
  stack: AsyncDisposableStack,
): Promise<OpenedModel> {
  const made = await mkdir(output.directory, { recursive: true });
  // Always the same name: what a killed merge has left goes with the next one.
  const directory = join(output.directory, `.applied-${digestOf(`${base.digest}+${adapter.digest}`).slice(7, 19)}`);
  // A folder that was made for this only, and got nothing.
  stack.defer(async () => void (made !== undefined && (await rmdir(output.directory).catch(() => undefined))));
  try {
    stack.use(await lockFile(`${directory}.lock`));
  } catch (cause) {
    if (!(cause instanceof LockedError)) throw cause;
    throw new Error(`another process is writing ${output.path}: run this again when it has ended`, { cause });
  }
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const digests = { base: base.digest, adapter: adapter.digest };
  const model = await applyAdapter(base.model, adapter.model, { directory, digests, fsync: false, signal: context.signal });
  const [digest] = await showDigests([model], options, context);
  return { model, digest: digest! };
}

/** Also where a part of a file is named. */
function exists(path: string): Promise<boolean> {
  return stat(withoutPart(path)).then(
    () => true,
    () => false,
  );
}
