import type { ModelFiles } from "#libs/models";
import { parseSafetensorsHeader, planSafetensors, type TensorLayout } from "#libs/tensors";

/** A model as it would be opened, of one file that does not exist: planning reads nothing. */
export function modelOf(name: string, layout: readonly TensorLayout[]): ModelFiles {
  const { header: bytes, size } = planSafetensors(layout);
  const header = parseSafetensorsHeader(bytes, size);
  const path = `/models/${name}.safetensors`;
  return {
    name,
    path,
    kind: "file",
    files: [{ path, size, identity: { device: 1n, inode: 1n, mtimeNs: 1n }, header }],
    tensors: new Map(
      [...header.tensors].map(([tensor, { dtype, shape, begin, end }]) => [
        tensor,
        { file: 0, dtype, shape, offset: header.dataOffset + begin, length: end - begin },
      ]),
    ),
    licences: [],
  };
}
