import type { ModelFiles } from "#libs/models";
import type { MergeRequest, TensorOf } from "./request.ts";
import type { InputFile, Source } from "./types.ts";

/** Gives the files that are read their numbers, each file once, in the order in which they are first asked for. */
export function inputTable(models: readonly ModelFiles[], request: MergeRequest) {
  const { digests, base, baseDigest, statistics = [], statisticsDigests = [] } = request;
  const files: InputFile[] = [];
  const identities: { digest: string; file: number }[] = [];
  const numbers = new Map<string, number>();

  function place(model: ModelFiles, digest: string | undefined, tensor: string): Source {
    const { file, dtype, offset } = model.tensors.get(tensor)!;
    const { path, size, identity } = model.files[file]!;
    let number = numbers.get(path);
    if (number === undefined) {
      number = files.push({ path, size, identity }) - 1;
      numbers.set(path, number);
      identities.push({ digest: digest ?? "", file });
    }
    return { file: number, offset, dtype };
  }

  return {
    source: ({ model, tensor }: TensorOf): Source => {
      const isBase = base !== undefined && model === request.models.length;
      return place(models[model]!, isBase ? baseDigest : digests[model], tensor);
    },
    statistics: (model: number, tensor: string): Source => place(statistics[model]!, statisticsDigests[model], tensor),
    files: (): readonly InputFile[] => files,
    /** For each file, the digest of its model and which of the model's files it is: all of it that decides bytes. */
    identities: (): readonly { digest: string; file: number }[] => identities,
  };
}
