import { companionsOf, configWith, libraryOf, type SideFile } from "#libs/model-folders";
import { INDEX_NAME, type ModelFiles } from "#libs/models";
import type { MergeFacts } from "./merge-facts.ts";
import { recipeText } from "./merge-facts.ts";

/**
 * The files of a model folder beside the weights: the index of the shards, config.json with the type of the result, what belongs to it from
 * the folder of the base or of the first model that is one, recipe.json, and a model card.
 */
export async function folderFiles(
  facts: MergeFacts,
  {
    name,
    sources,
    index,
    isAdapter,
  }: {
    /** Title of the card. */
    readonly name: string;
    /** Models to copy from: the first that is a folder. */
    readonly sources: readonly ModelFiles[];
    readonly index: string | undefined;
    /** The result is an adapter, which brings its configuration along. */
    readonly isAdapter: boolean;
  },
): Promise<SideFile[]> {
  const source = isAdapter ? undefined : sources.find(({ kind, config }) => kind === "folder" && config !== undefined);
  const config = source?.config && configWith(source.config, facts.dtype);
  // Loaded only where a folder is written.
  const { mergeCard } = await import("./merge-card.ts");
  return [
    ...(index === undefined ? [] : [{ name: INDEX_NAME, content: index }]),
    ...(config === undefined ? [] : [{ name: "config.json", content: `${JSON.stringify(config, null, 2)}\n` }]),
    ...(source === undefined ? [] : await companionsOf(source.path)),
    { name: "README.md", content: mergeCard(facts, { name, library: isAdapter ? "peft" : libraryOf(config), isAdapter }) },
    { name: "recipe.json", content: recipeText(facts) },
  ];
}
