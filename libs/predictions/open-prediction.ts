import { type ByteSource, openSafetensors, type SafetensorsFile } from "#libs/tensors";
import { quote } from "#libs/text";
import { FORMAT, layoutOf } from "./plan-prediction.ts";

/** A file that is no prediction, or holds numbers that none has. The message goes on from "it …". */
export class PredictionError extends Error {
  override readonly name = "PredictionError";
}

/** A prediction whose header is read and checked; numbers are read when asked for. */
export type OpenPrediction = {
  readonly rows: number;
  readonly classes: number;
  /** Names of the domains that the rows are of. */
  readonly domains: readonly string[];
  /** Numbers of some tensor, from row `begin` to before row `end`. */
  read(name: "logits", begin: number, end: number): Promise<Float32Array>;
  read(name: "labels" | "domains" | "rows", begin: number, end: number): Promise<Int32Array>;
};

/** Opens a prediction. @throws PredictionError, SafetensorsError, what the source throws */
export async function openPrediction(source: ByteSource): Promise<OpenPrediction> {
  const file = await openSafetensors(source);
  const { tensors, metadata } = file.header;
  if (metadata.get("format") !== FORMAT) {
    throw new PredictionError(`has the format ${quote(metadata.get("format") ?? "")} in its metadata; expected ${quote(FORMAT)}`);
  }
  const domains = domainsIn(metadata.get("domains"));
  const [rows = 0, classes = 0] = tensors.get("logits")?.shape ?? [];
  for (const { name, dtype, shape } of layoutOf({ rows, classes })) {
    const found = tensors.get(name);
    if (!found) throw new PredictionError(`has no tensor ${name}`);
    if (found.dtype === dtype && String(found.shape) === String(shape)) continue;
    throw new PredictionError(`has ${name} of ${found.dtype} [${found.shape.join(", ")}]; expected ${dtype} [${shape.join(", ")}]`);
  }
  if (classes === 0) throw new PredictionError("has logits of no class");
  return { rows, classes, domains, read: (name, begin, end) => read(file, name, classes, begin, end) as never };
}

async function read(file: SafetensorsFile, name: string, classes: number, begin: number, end: number): Promise<Float32Array | Int32Array> {
  const width = 4 * (name === "logits" ? classes : 1);
  const bytes = await file.read(name, { offset: begin * width, length: (end - begin) * width });
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const Numbers = name === "logits" ? Float32Array : Int32Array;
  return new Numbers(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.length / 4);
}

function domainsIn(text = ""): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string")) return value;
  } catch {
    // Said below.
  }
  throw new PredictionError("has no list of names of domains in its metadata");
}
