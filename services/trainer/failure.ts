import { DatasetError, IdxError } from "#libs/datasets";
import { ImageSetError } from "#libs/image-sets";
import { ImageError } from "#libs/images";
import { EngineMissingError, NonFiniteLossError, UnfitInputError } from "#libs/learning";
import { NetworkOptionsError, UnfitWeightsError, UnknownNetworkError } from "#libs/networks";
import { RecipeError } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { SplitError } from "#libs/splits";
import { SafetensorsError, TensorTypeError } from "#libs/tensors";
import { CacheFullError } from "./files/blob-files.ts";

/** The reason of an aborted attempt whose job is no longer ours: another attempt has it, or nobody needs it. */
export class LostAttempt extends Error {
  override readonly name = "LostAttempt";
}

/** What is computed from the recipe and the bytes of its inputs, and so fails the same way every time. */
const deterministic = [
  RecipeError,
  NonFiniteLossError,
  UnfitInputError,
  DatasetError,
  IdxError,
  ImageSetError,
  ImageError,
  UnknownNetworkError,
  NetworkOptionsError,
  UnfitWeightsError,
  SafetensorsError,
  SplitError,
  TensorTypeError,
];

/** True where trying the job again cannot help. Memory, disks, networks and damaged blobs may be better next time or elsewhere. */
export function isPermanent(error: unknown): boolean {
  return deterministic.some((kind) => error instanceof kind);
}

/** True where this trainer cannot do it, however often it tries, and another one may: one with a larger disk, or whose engine is there. */
export function isOfThisTrainer(error: unknown): boolean {
  return error instanceof CacheFullError || error instanceof EngineMissingError;
}

/** True where a service cannot be reached, or has no room on its disk. That is no failure of the job, however often it happens. */
export function isPassing(error: unknown): boolean {
  return isRpcError(error, Code.UNAVAILABLE) || isRpcError(error, Code.RESOURCE_EXHAUSTED, "NO_SPACE");
}

/** What people read about a failed attempt. */
export function failureSentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
