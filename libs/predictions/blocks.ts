import { type OpenPrediction, PredictionError } from "./open-prediction.ts";

/** The same rows of several predictions. */
export type Block = {
  /** How many rows. */
  readonly rows: number;
  readonly labels: Int32Array;
  /** Positions in the predictions' `domains`. */
  readonly domains: Int32Array;
  /** Of each prediction [rows, classes], row-major. */
  readonly logits: readonly Float32Array[];
};

/** A prediction that is wrong, or does not belong with the first one: which one, and how. */
export type Unfit = { readonly index: number; readonly problem: string };

/**
 * Walks predictions of the same rows together, in blocks of at most `blockBytes` of logits, so that memory does not grow with their number
 * or their length; the next block is read while the one before is used. The predictions have as many rows and classes as the first, and
 * its domains.
 * @throws PredictionError through `fail`, for rows, domains or labels that are not those of the first, for labels that are no class, and for
 * logits that are not finite.
 */
export async function* blocksOf(
  predictions: readonly OpenPrediction[],
  { blockBytes, signal, fail }: { readonly blockBytes: number; readonly signal: AbortSignal; readonly fail: (unfit: Unfit) => Error },
): AsyncGenerator<Block, void, undefined> {
  const [first] = predictions;
  if (!first) throw new PredictionError("there are no predictions");
  const rows = Math.max(1, Math.floor(blockBytes / (4 * first.classes * predictions.length)));
  const load = (begin: number) => loadBlock(predictions, begin, Math.min(begin + rows, first.rows), fail);
  let next = first.rows > 0 ? load(0) : undefined;
  for (let begin = 0; next !== undefined; begin += rows) {
    const block: Block = await next;
    signal.throwIfAborted();
    next = begin + rows < first.rows ? load(begin + rows) : undefined;
    // Its failure is for whoever asks for the next block.
    next?.catch(() => undefined);
    yield block;
  }
}

async function loadBlock(
  predictions: readonly OpenPrediction[],
  begin: number,
  end: number,
  fail: (unfit: Unfit) => Error,
): Promise<Block> {
  const { classes, domains } = predictions[0]!;
  const parts = await Promise.all(
    predictions.map(async (prediction) => ({
      logits: await prediction.read("logits", begin, end),
      labels: await prediction.read("labels", begin, end),
      domains: await prediction.read("domains", begin, end),
      rows: await prediction.read("rows", begin, end),
    })),
  );
  const first = parts[0]!;
  for (const [index, part] of parts.entries()) {
    for (const column of ["rows", "domains", "labels"] as const) {
      const place = part[column].findIndex((value, row) => value !== first[column][row]);
      if (place < 0) continue;
      const [own, other] = [part[column][place], first[column][place]];
      throw fail({ index, problem: `is of other rows than the first: at ${begin + place} it has ${own} in ${column}, the first ${other}` });
    }
    const infinite = part.logits.findIndex((value) => !Number.isFinite(value));
    if (infinite < 0) continue;
    const row = begin + Math.floor(infinite / classes);
    throw fail({ index, problem: `has ${part.logits[infinite]} among the logits of row ${row}; all have to be finite numbers` });
  }
  const label = first.labels.findIndex((value) => value < 0 || value >= classes);
  if (label >= 0)
    throw fail({ index: 0, problem: `has the label ${first.labels[label]} in row ${begin + label}; there are ${classes} classes` });
  const domain = first.domains.findIndex((value) => value < 0 || value >= domains.length);
  if (domain >= 0)
    throw fail({
      index: 0,
      problem: `has the domain ${first.domains[domain]} in row ${begin + domain}; there are ${domains.length} domains`,
    });
  return { rows: end - begin, labels: first.labels, domains: first.domains, logits: parts.map(({ logits }) => logits) };
}
