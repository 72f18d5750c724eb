import type { MergekitConfig } from "#libs/merging/mergekit";
import { companionsOf, isOfTokenizer, type SideFile } from "#libs/model-folders";
import type { ModelFiles } from "#libs/models";

type Given = {
  readonly config: MergekitConfig;
  /** The model whose config.json the result has. */
  readonly donor: ModelFiles;
  readonly tokenizer: ModelFiles;
};

/** The files beside the weights, as a configuration wants them: its tokenizer, and the configuration itself. */
export async function mergekitFiles(files: readonly SideFile[], { config, donor, tokenizer }: Given): Promise<SideFile[]> {
  const theirs = tokenizer === donor ? [] : (await companionsOf(tokenizer)).filter(({ name }) => isOfTokenizer(name));
  const others = tokenizer === donor ? files : [...theirs, ...files.filter(({ name }) => !isOfTokenizer(name))];
  // Before the others: the last file is the recipe, by which one sees that all is there.
  return [{ name: "mergekit_config.yml", content: config.text }, ...others];
}
