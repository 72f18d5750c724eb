import { planSafetensors, type SafetensorsPlan, type TensorLayout, writeSafetensors } from "#libs/tensors";

/** What the metadata of a file calls the format. */
export const FORMAT = "ratatouille-prediction/1";

/** What a model says of rows of a data set, in memory. */
export type Prediction = {
  readonly classes: number;
  /** Names of the domains that the rows are of. */
  readonly domains: readonly string[];
  /** [rows, classes], row-major. */
  readonly logits: Float32Array;
  /** The class of each row, counted from 0. */
  readonly labels: Int32Array;
  /** The domain of each row, a position in `domains`. */
  readonly rowDomains: Int32Array;
  /** Which row of the data set each is; ascending. */
  readonly rows: Int32Array;
};

/** The tensors of a prediction of `rows` rows. */
export function layoutOf({ rows, classes }: { readonly rows: number; readonly classes: number }): readonly TensorLayout[] {
  const column = (name: string): TensorLayout => ({ name, dtype: "I32", shape: [rows] });
  return [{ name: "logits", dtype: "F32", shape: [rows, classes] }, column("labels"), column("domains"), column("rows")];
}

/**
 * Where everything will be in the file of a prediction, so that it can be written while it is computed: `logits` F32 [rows, classes], and
 * I32 [rows] `labels`, `domains` and `rows`.
 * @example
 * ```ts
 * const { size, offsets } = planPrediction({ rows: 4, classes: 3, domains: ["art"] });
 * size - (offsets.get("logits")?.begin ?? 0) > 4 * 3 * 4; // true
 * ```
 */
export function planPrediction(shape: {
  readonly rows: number;
  readonly classes: number;
  readonly domains: readonly string[];
}): SafetensorsPlan {
  return planSafetensors(layoutOf(shape), metadataOf(shape.domains));
}

/**
 * The file of a small prediction.
 * @example
 * ```ts
 * import { bytesSource } from "#libs/tensors";
 * const [labels, rowDomains, rows] = [Int32Array.of(1), Int32Array.of(0), Int32Array.of(7)];
 * const file = encodePrediction({ classes: 2, domains: ["art"], logits: Float32Array.of(0, 1), labels, rowDomains, rows });
 * (await openPrediction(bytesSource(file))).rows; // 1
 * ```
 */
export function encodePrediction({ classes, domains, logits, labels, rowDomains, rows }: Prediction): Uint8Array {
  const data: { readonly [name: string]: Float32Array | Int32Array } = { logits, labels, domains: rowDomains, rows };
  const tensors = layoutOf({ rows: rows.length, classes }).map((layout) => ({ ...layout, data: bytesOf(data[layout.name]!) }));
  return writeSafetensors(tensors, metadataOf(domains));
}

function metadataOf(domains: readonly string[]): { readonly [name: string]: string } {
  return { format: FORMAT, domains: JSON.stringify(domains) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
