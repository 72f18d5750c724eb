import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Network, NetworkOptionsError, networkNames, networkOf } from "#libs/networks";
import { folderGenerator, type StudyFile } from "#libs/runfile";
import { didYouMean, list, quote } from "#libs/text";
import { lookAtModel, type Start } from "./models.ts";
import { lookAtPictures, type Pictures } from "./pictures.ts";

/** What a run file names, looked at before anything is imported or trained. */
export type Found = {
  /** Undefined where only a trainer knows it. */
  readonly network: Network | undefined;
  readonly target: Pictures;
  readonly foundation?: Start | Pictures;
  readonly auxiliaries: readonly (Start[] | Pictures)[];
};

/**
 * Looks at everything that a run file names: folders, networks, weights.
 * @throws RunFileError at the first key with which something is wrong.
 */
export async function look(file: StudyFile): Promise<Found> {
  const target = await lookAtPictures(file, ["target"], file.target);
  checkHeldOut(file, target);
  const network = networkFor(file, target.classes.length);
  const { foundation: from } = file;
  const foundation =
    from.kind === "model"
      ? withHead(await lookAtModel(file, ["foundation", "weights"], from.path, network), from.path)
      : from.kind === "pictures"
        ? await lookAtPictures(file, ["foundation"], from.pictures)
        : undefined;
  const auxiliaries: (Start[] | Pictures)[] = [];
  for (const [i, { from }] of file.auxiliaries.entries()) {
    const key = ["auxiliaries", i];
    if (from.kind === "pictures") auxiliaries.push(await lookAtPictures(file, key, from.pictures));
    else if (from.kind === "path" && (await isFolderOfPictures(from.path)))
      auxiliaries.push(await lookAtPictures(file, key, { path: from.path, generator: folderGenerator(file) }));
    else {
      const starts: Start[] = [];
      for (const path of from.kind === "models" ? from.paths : [from.path]) starts.push(await lookAtModel(file, key, path, network));
      auxiliaries.push(starts);
    }
  }
  return { network, target, ...(foundation ? { foundation } : {}), auxiliaries };
}

/** A probe of a foundation without such a head starts from one that is drawn. */
function withHead(start: Start, path: string): Start {
  if (!start.head) return start;
  return {
    ...start,
    notes: [...start.notes, `${path}: its head is for as many classes as the target has, so the linear probe starts from it`],
  };
}

function checkHeldOut(file: StudyFile, { domains, at }: Pictures): void {
  if (domains.length < 2)
    throw file.problem(["target"], `has one domain, ${quote(domains[0] ?? "")}, in ${at.path}: one is held out, so there must be two`);
  for (const domain of file.heldOut ?? []) {
    if (domains.includes(domain)) continue;
    const hint = didYouMean(
      domain,
      domains,
      `there are ${list(
        domains.map((name) => quote(name)),
        "and",
      )}`,
    );
    throw file.problem(["held-out"], `names ${quote(domain)}, which is no domain of ${at.path}: ${hint}`);
  }
}

/** @throws RunFileError where the network cannot be had with these numbers. */
function networkFor(file: StudyFile, classes: number): Network | undefined {
  const { name, channels, size, hidden } = file.network;
  if (!networkNames().includes(name)) return undefined;
  try {
    return networkOf(name, {
      classes,
      ...(channels > 0 ? { channels } : {}),
      ...(size > 0 ? { size } : {}),
      ...(hidden.length > 0 ? { options: { hidden } } : {}),
    });
  } catch (cause) {
    if (cause instanceof NetworkOptionsError) throw file.problem(["foundation"], `asks for a network that cannot be: ${cause.message}`);
    throw cause;
  }
}

/** A folder that holds no weights. What is neither a folder nor a model is told by whoever opens it as a model. */
async function isFolderOfPictures(path: string): Promise<boolean> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return false;
  for (const name of ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "config.json", "adapter_config.json"]) {
    const found = await stat(join(path, name)).then(
      () => true,
      () => false,
    );
    if (found) return false;
  }
  return true;
}
