import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UsageError } from "#libs/service/process";

/** What a command writes: one file, or a folder as Hugging Face has it. */
export type Output = {
  readonly kind: "file" | "folder";
  /** As the user named it. */
  readonly path: string;
  /** Where all files of it are. */
  readonly directory: string;
  /** The name of the one file. */
  readonly single?: string;
};

/**
 * What `-o` names.
 * @throws UsageError if it is missing, or names what cannot hold a model
 * @example
 * ```ts
 * const output = await outputOf("out/soup.safetensors");
 * output; // { kind: "file", path: "out/soup.safetensors", directory: "out", single: "soup.safetensors" }
 * pathIn(output, "soup.recipe.json"); // "out/soup.recipe.json"
 * ```
 */
export async function outputOf(path: string | undefined): Promise<Output> {
  if (path === undefined) throw new UsageError("say what to write: -o FILE.safetensors, or -o FOLDER");
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return { kind: "folder", path, directory: path };
  if (path.endsWith(".safetensors")) return { kind: "file", path, directory: dirname(path), single: basename(path) };
  if (found !== undefined) throw new UsageError(`-o ${path} is a file that is not called .safetensors; name another one, or a folder`);
  if (/\.(bin|pth?|ckpt|gguf|onnx|h5|json)$/i.test(path))
    throw new UsageError(
      `-o ${path}: models are written as safetensors; name it ${path.replace(/\.\w+$/, ".safetensors")}, or name a folder`,
    );
  return { kind: "folder", path: path.length > 1 ? path.replace(/\/+$/, "") : path, directory: path };
}

/** The path of a file of an output, as the user would write it. */
export function pathIn(output: Output, name: string): string {
  return join(output.directory, name);
}
