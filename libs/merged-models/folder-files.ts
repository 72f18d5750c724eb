import { companionsOf, libraryOf, licenceFilesOf, mergedConfig, type SideFile, sayDifferences } from "#libs/model-folders";
import type { LayerOf, ModelFiles } from "#libs/models";
import type { LicenceText } from "#libs/reporting";
import type { MergeFacts } from "./merge-facts.ts";
import { labelOf, recipeText } from "./merge-facts.ts";

/** The texts about licences that came with the models, and with what those were applied to. */
async function licenceTexts(models: readonly ModelFiles[]): Promise<LicenceText[]> {
  const parts = models.flatMap((model) =>
    model.applied === undefined ? [model] : [model.applied.base.model, model.applied.adapter.model],
  );
  const texts = await Promise.all(
    [...new Map(parts.map((model) => [model.path, model])).values()].map(async (model) =>
      (await licenceFilesOf(model)).map(({ name, content }) => ({ label: labelOf(model), file: name, text: content })),
    ),
  );
  return texts.flat();
}

/** What of a result decides the files of its folder. */
export type FolderRequest = {
  /** Title of the card. */
  readonly name: string;
  /** Models to copy from: the first that is a folder. */
  readonly sources: readonly ModelFiles[];
  /** The index of the shards, where there are several. */
  readonly index: SideFile | undefined;
  /** The result is an adapter, which brings its configuration along. */
  readonly isAdapter: boolean;
  readonly tied?: boolean | undefined;
  readonly layers?: readonly LayerOf[] | undefined;
};

/**
 * The files of a model folder beside the weights: the index of the shards, config.json as it follows from what was merged, what belongs to it
 * from the folder of the base or of the first model that is one, recipe.json, a model card, and LICENSE where one is needed.
 * @returns notes: what was left out, and whose files these are where the models have others
 */
export async function folderFiles(
  facts: MergeFacts,
  { name, sources, index, isAdapter, tied, layers }: FolderRequest,
): Promise<{ readonly files: SideFile[]; readonly notes: readonly string[] }> {
  const folders = isAdapter ? [] : sources.filter(({ kind }) => kind === "folder");
  const source = folders.find(({ config }) => config !== undefined) ?? folders[0];
  const changes = { dtype: facts.dtype, converted: facts.parameters["dtype"] !== undefined, tied, layers };
  const config = source?.configText === undefined ? undefined : mergedConfig(source, changes);
  const companions = source === undefined ? [] : await companionsOf(source);
  const differences = source && (await sayDifferences(source, companions, folders));
  // Loaded only where a folder is written.
  const { mergeCard, mergeLicence } = await import("./merge-card.ts");
  const library = isAdapter ? "peft" : libraryOf(source?.config);
  const licence = mergeLicence(facts, name, await licenceTexts(sources));
  return {
    files: [
      ...(index === undefined ? [] : [index]),
      ...(config === undefined ? [] : [{ name: "config.json", content: config.text }]),
      ...companions,
      { name: "README.md", content: mergeCard(facts, { name, library, isAdapter, hasLicenceFile: licence !== undefined }) },
      ...(licence === undefined ? [] : [{ name: "LICENSE", content: licence }]),
      { name: "recipe.json", content: recipeText(facts) },
    ],
    notes: [...(config?.notes ?? []), ...(differences === undefined ? [] : [differences])],
  };
}
