import { parseSafetensorsHeader, type TensorEntry, widen, writeSafetensors } from "#libs/tensors";
import { type Dataset, FEATURES } from "./dataset.ts";
import { DatasetError } from "./errors.ts";

/** A data set as safetensors: `images` F32 [count, 256], `labels` I32 [count], and the number of classes as metadata. Equal data sets have equal bytes. */
export function encodeDataset(dataset: Dataset): Uint8Array {
  const { images, labels, count, classes } = dataset;
  return writeSafetensors(
    [
      { name: "images", dtype: "F32", shape: [count, FEATURES], data: bytesOf(images) },
      { name: "labels", dtype: "I32", shape: [count], data: bytesOf(labels) },
    ],
    { classes: String(classes) },
  );
}

/**
 * Reads what `encodeDataset` wrote. The result owns its memory. Throws SafetensorsError for a file that is not safetensors,
 * DatasetError for one that holds something else than a data set: it names the tensor or the label.
 * @example
 * ```ts
 * const dataset = generateGlyphs({ classes: 2, images: 4, alphabetSeed: 1, rotation: 0, styles: ["plain"] }, 7);
 * decodeDataset(encodeDataset(dataset)); // dataset
 * ```
 */
export function decodeDataset(bytes: Uint8Array): Dataset {
  const { tensors, metadata, dataOffset } = parseSafetensorsHeader(bytes, bytes.length);
  const images = tensors.get("images");
  const labels = tensors.get("labels");
  const classes = Number(metadata.get("classes"));
  if (!Number.isSafeInteger(classes) || classes < 1) {
    throw new DatasetError(
      `not a data set: its number of classes is ${metadata.get("classes") ?? "missing"}, expected a whole number of at least 1`,
    );
  }
  if (labels?.dtype !== "I32" || labels.shape.length !== 1)
    throw new DatasetError(`not a data set: labels ${show(labels)}, expected I32 [count]`);
  const count = labels.shape[0]!;
  if (images?.dtype !== "F32" || images.shape.length !== 2 || images.shape[0] !== count || images.shape[1] !== FEATURES) {
    throw new DatasetError(`not a data set: images ${show(images)}, expected F32 [${count}, ${FEATURES}]`);
  }
  const dataset: Dataset = {
    images: new Float32Array(count * FEATURES),
    labels: new Int32Array(count),
    count,
    features: FEATURES,
    classes,
  };
  widen("F32", bytes.subarray(dataOffset + images.begin, dataOffset + images.end), dataset.images);
  bytesOf(dataset.labels).set(bytes.subarray(dataOffset + labels.begin, dataOffset + labels.end));
  const wrong = dataset.labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) throw new DatasetError(`not a data set: label ${wrong} is ${dataset.labels[wrong]}, expected 0 to ${classes - 1}`);
  return dataset;
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function show(entry: TensorEntry | undefined): string {
  return entry === undefined ? "are missing" : `are ${entry.dtype} [${entry.shape.join(", ")}]`;
}
