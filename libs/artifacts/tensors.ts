import { crc32 } from "node:zlib";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { dataLoss, internal } from "#libs/rpc";
import { transfers } from "#libs/telemetry/measures";
import { type Dtype, isDtype } from "#libs/tensors";
import type { CheckedChunk } from "#proto/ratatouille/v1/chunk_pb.ts";
import type { ReadTensorsRequestSchema, ReadTensorsResponse, TensorDescription } from "#proto/ratatouille/v1/tensors_pb.ts";

/**
 * Which tensors: a name, or a pattern with `*` and `?`; and which part of each, one slice for each dimension from the first on. `end` is not
 * in the slice, and is the end of the dimension where it is not given.
 */
export type TensorSelection =
  | string
  | { readonly name: string; readonly slices: readonly { readonly begin: number; readonly end?: number }[] };

/** A tensor, or the part of it that was asked for. `data` are numbers in little-endian order, row by row, in a buffer of their own. */
export type RemoteTensor = {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Of the whole tensor. */
  readonly fullShape: readonly number[];
  readonly data: Uint8Array;
};

/** Reads the tensors of an artifact by `call`, and compares every chunk with its checksum. */
export async function* readTensors(
  call: (request: MessageInitShape<typeof ReadTensorsRequestSchema>) => AsyncIterable<ReadTensorsResponse>,
  digest: string,
  select: readonly TensorSelection[],
): AsyncGenerator<RemoteTensor, void, undefined> {
  let expected = 0;
  let open: { readonly tensor: RemoteTensor; filled: number } | undefined;
  const incomplete = (what: string) => dataLoss(`the tensors of ${digest} ended early: ${what}`, { reason: "STREAM_INCOMPLETE" });
  for await (const { part } of call({ artifact: { case: "digest", value: digest }, tensors: select.map(toMessage) })) {
    if (part.case === "header") expected = part.value.tensors;
    else if (part.case === "tensor") {
      if (open) throw incomplete(`${open.tensor.name} has ${open.filled} of ${open.tensor.data.length} bytes`);
      open = { tensor: tensorOf(part.value), filled: 0 };
    } else if (part.case === "chunk") {
      if (!open) throw internal("the catalog sent a chunk that belongs to no tensor");
      open.filled = place(open.tensor, open.filled, part.value);
    }
    if (!open || open.filled < open.tensor.data.length) continue;
    expected--;
    yield open.tensor;
    open = undefined;
  }
  if (open || expected > 0) throw incomplete(open ? open.tensor.name : `${expected} tensors are missing`);
}

function toMessage(selection: TensorSelection) {
  if (typeof selection === "string") return { name: selection };
  const slices = selection.slices.map(({ begin, end }) => ({
    begin: BigInt(begin),
    ...(end === undefined ? {} : { end: BigInt(end) }),
  }));
  return { name: selection.name, slices };
}

function tensorOf({ name, dtype, shape, fullShape, sizeBytes }: TensorDescription): RemoteTensor {
  if (!isDtype(dtype)) throw internal(`the catalog sent the tensor ${name} of the unknown type ${dtype}`);
  return { name, dtype, shape: shape.map(Number), fullShape: fullShape.map(Number), data: new Uint8Array(Number(sizeBytes)) };
}

/** Puts a chunk where it belongs, and returns where the next one does. */
function place({ name, data }: RemoteTensor, at: number, chunk: CheckedChunk): number {
  if (crc32(chunk.data) !== chunk.crc32)
    throw dataLoss(`the bytes of ${name} from ${at} were damaged on the way`, { reason: "CHUNK_DAMAGED", metadata: { tensor: name } });
  if (at + chunk.data.length > data.length) throw internal(`the catalog sent more than the ${data.length} bytes of ${name}`);
  transfers.downloaded.add(chunk.data.length);
  data.set(chunk.data, at);
  return at + chunk.data.length;
}
