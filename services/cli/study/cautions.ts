import type { StudyFile } from "#libs/runfile";

/** What a run file asks for that may not be what was meant, one sentence each. */
export function cautions({ auxiliaries, foundation, network }: Pick<StudyFile, "auxiliaries" | "foundation" | "network">): string[] {
  return [
    ...(auxiliaries.length === 0
      ? ["without auxiliaries nothing is recycled: every member starts from the foundation, and what is called recycling is a second soup"]
      : []),
    ...(foundation.kind === "drawn"
      ? [`the foundation has no weights, so ${network.name} starts untrained: name some, or images to train it on first`]
      : []),
  ];
}
