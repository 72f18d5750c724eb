import { stat } from "node:fs/promises";
import { ModelError, type ModelFiles, openModel } from "#libs/models";
import { UsageError } from "#libs/service/process";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { writeWrapped } from "../write-wrapped.ts";

/**
 * Opens the models that a command names: paths of files and folders, and digests or names of the catalog, which are fetched and checked once
 * and then lie in the user's cache. What is there as a path is that path.
 * @throws UsageError for what is neither; ModelError for what is no model
 */
export async function openInputs(names: readonly string[], options: GlobalOptions, context: CommandContext): Promise<ModelFiles[]> {
  const models: ModelFiles[] = [];
  for (const name of names) {
    const model = await openInput(name, options, context);
    sayNotes(model, context);
    models.push(model);
  }
  return models;
}

/** Says what was passed over when a model was opened. */
export function sayNotes({ notes = [] }: ModelFiles, { stderr }: CommandContext): void {
  for (const note of notes) writeWrapped(stderr, `note: ${note}\n`);
}

/** Whether a name is one of a catalog that can be asked, and not of a file or folder here. */
export async function isInCatalog(name: string, { server, data }: GlobalOptions): Promise<boolean> {
  if (!isCatalogName(name) || (await exists(name))) return false;
  return server !== undefined || (await exists(data));
}

async function openInput(name: string, options: GlobalOptions, context: CommandContext): Promise<ModelFiles> {
  if (!isCatalogName(name) || (await exists(name))) return openPath(name);
  if (options.server === undefined && !(await exists(options.data))) {
    if (name.startsWith("sha256:"))
      throw new UsageError(`there is no catalog in ${options.data} that could have ${name}; --data or --server says where it is`);
    return openPath(name);
  }
  // With the catalog comes gRPC, which others do not wait for.
  const { openCatalogModel } = await import("./catalog-model.ts");
  return openCatalogModel(name, options, context);
}

/** Opens a model of this machine. @throws UsageError where there is nothing; ModelError for what is no model */
export async function openPath(name: string): Promise<ModelFiles> {
  try {
    return await openModel(name);
  } catch (cause) {
    if (cause instanceof ModelError && cause.kind === "missing") throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

/** A digest, at least 8 digits of one, or words with slashes between them; nothing that can only be a path. */
function isCatalogName(name: string): boolean {
  if (/^(sha256:)?[0-9a-f]{8,64}$/.test(name)) return true;
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)+$/.test(name) && !/\.(safetensors|pth|pt|bin|ckpt)$/.test(name);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
