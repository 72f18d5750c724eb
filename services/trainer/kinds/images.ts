import { decodeIndex, type ImageIndex } from "#libs/image-sets";
import { inputOf, mediaTypes, type Recipe } from "#libs/recipes";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { layerOf, type Work } from "../work.ts";

/** The index of the data set that is an input of a recipe. @throws RecipeError, ImageSetError */
export async function indexOf(recipe: Recipe, role: string, work: Work): Promise<ImageIndex> {
  const layer = layerOf(work.input(inputOf(recipe, role)), ArtifactKind.DATASET, mediaTypes.datasetLayer, role);
  return decodeIndex(await work.read(layer));
}

/** The rows of each domain of an index, ascending. */
export function rowsByDomain(index: ImageIndex): Int32Array[] {
  const counts = index.domains.map(() => 0);
  for (const domain of index.domain) counts[domain]! += 1;
  const rows = counts.map((count) => new Int32Array(count));
  const filled = index.domains.map(() => 0);
  for (const [row, domain] of index.domain.entries()) rows[domain]![filled[domain]!++] = row;
  return rows;
}
