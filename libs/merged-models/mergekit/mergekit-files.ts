import { LAYER_COUNTS, type MergekitConfig } from "#libs/merging/mergekit";
import { companionsOf, isOfTokenizer, type SideFile } from "#libs/model-folders";
import type { ModelFiles } from "#libs/models";
import type { Json } from "#libs/recipes";

type Given = {
  readonly config: MergekitConfig;
  /** The model whose config.json the result has. */
  readonly donor: ModelFiles;
  readonly tokenizer: ModelFiles;
  /** How many layers the result has, where they are stacked. */
  readonly layers: number | undefined;
};

/** The files beside the weights, as a configuration wants them: its tokenizer, as many layers as there are, and the configuration itself. */
export async function mergekitFiles(files: readonly SideFile[], { config, donor, tokenizer, layers }: Given): Promise<SideFile[]> {
  const others = tokenizer === donor ? files : [...(await tokenizerFiles(tokenizer)), ...files.filter(({ name }) => !isOfTokenizer(name))];
  const counted = others.map((file) => (file.name === "config.json" && layers !== undefined ? withLayers(file, layers) : file));
  // Before the others: the last file is the recipe, by which one sees that all is there.
  return [{ name: "mergekit_config.yml", content: config.text }, ...counted];
}

async function tokenizerFiles({ kind, path }: ModelFiles): Promise<SideFile[]> {
  return kind === "folder" ? (await companionsOf(path)).filter(({ name }) => isOfTokenizer(name)) : [];
}

function withLayers({ name, content }: SideFile, layers: number): SideFile {
  const config = JSON.parse(String(content)) as { readonly [key: string]: Json };
  const counts = LAYER_COUNTS.filter((key) => typeof config[key] === "number").map((key) => [key, layers]);
  return { name, content: `${JSON.stringify({ ...config, ...Object.fromEntries(counts) }, null, 2)}\n` };
}
