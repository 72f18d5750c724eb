import { DatasetError } from "#libs/datasets";
import { ImageSetError } from "#libs/image-sets";
import { PredictionError } from "#libs/predictions";
import { ManifestError } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { SplitError } from "#libs/splits";
import { SafetensorsError } from "#libs/tensors";
import { blobMissing, invalidOutputs } from "../errors.ts";

/** What is wrong with files that cannot be read, and the beginning of the sentence that their errors go on with. */
const formats: readonly [new (...args: never[]) => Error, string][] = [
  [SafetensorsError, "a file is no safetensors file: "],
  [PredictionError, "the prediction "],
  [SplitError, "the split "],
  [DatasetError, ""],
  [ImageSetError, ""],
  [ManifestError, ""],
];

/** What reading a result threw, as its trainer is told. Errors that are not its fault stay as they are. */
export function refusalOf(error: unknown): unknown {
  const format = formats.find(([kind]) => error instanceof kind);
  if (format) return invalidOutputs("outputs", `${format[1]}${(error as Error).message}`);
  return isRpcError(error, Code.NOT_FOUND) ? blobMissing(error) : error;
}
