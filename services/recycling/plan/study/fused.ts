import { arithmetics } from "#libs/recipes";
import type { Source } from "../template.ts";
import { AVERAGE_WORK } from "../uniform-average.ts";
import type { CellBuilder } from "./cell-builder.ts";
import type { Start } from "./foundation.ts";
import { fusingWeights, groups } from "./ranges.ts";

/**
 * Where a fused member starts (Choshen et al., 2022): a mean, without heads, of the foundation and one fine-tuning of each auxiliary, whose
 * weights are drawn anew for each member.
 * @param pool the foundation, and the fine-tunings of each auxiliary.
 */
export function fusedStart(
  { add, seed, index, shared, tolerant }: CellBuilder,
  pool: readonly (readonly Start[])[],
  member: number,
): Start {
  const models: Source[] = pool.map((each) => each[member % each.length]!.source);
  const node = add({
    id: `fused/${member}/start`,
    stage: "averaging",
    template: {
      kind: "average",
      inputs: { models },
      parameters: {
        method: "linear",
        weights: fusingWeights(models.length, { trial: seed, group: groups.cell(index), run: member }),
        exclude: [...shared.head],
        dtype: "F32",
      },
      whole: true,
      arithmetic: arithmetics.averaging,
    },
    work: AVERAGE_WORK,
    expendable: tolerant,
  });
  return { name: "fused", source: { node } };
}
