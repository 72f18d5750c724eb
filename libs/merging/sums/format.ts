import { type Digest, isDigest } from "#libs/recipes";
import { fileSource, isDtype, openSafetensors, SafetensorsError, type SafetensorsHeader, tensorBytes } from "#libs/tensors";
import { BLOCK } from "../method.ts";
import { SumsError } from "./errors.ts";
import { elementsOf, type SumTensor } from "./layout.ts";
import type { ListedMember, Membership } from "./members.ts";

/**
 * A file of sums is a safetensors file:
 * - for each averaged tensor, under its name, the leading parts of the sums, F64 in the tensor's shape;
 * - `ratatouille.sums.planes`, F64: the further parts, and counts of zeros, of those blocks that have any, one patch after another;
 * - `ratatouille.sums.patches`, U64 [patches, 6]: tensor, block, plane, form, first number of the patch, numbers of the patch;
 * - tensors that have to agree, as they are, and of counters the numbers of every member, [members, …shape].
 * Plane 0 counts negative zeros, plane 1 positive ones, the others are the further parts of the expansions. A dense patch (form 0) has a
 * number for each element of the block, a sparse one (1) pairs of an element's index in the block and a number, a constant one (2) the
 * number of all elements. The metadata say what is summed and who is in.
 */
const PLANES = "ratatouille.sums.planes";
const PATCHES = "ratatouille.sums.patches";
const FORMAT = "ratatouille-sums/1";
/** Numbers of a row of the patches. */
const PATCH_FIELDS = 6;

const FORMS = ["dense", "sparse", "constant"] as const;

/** Where the further parts of one block are. `offset` and `length` count numbers of the planes. */
export type Patch = {
  readonly tensor: number;
  readonly block: number;
  readonly plane: number;
  readonly form: (typeof FORMS)[number];
  readonly offset: number;
  readonly length: number;
};

/** What a file of sums says of itself. */
export type SumsContent = Membership & {
  readonly layout: readonly SumTensor[];
  /** Whether positive zeros are counted as well as negative ones. */
  readonly bothZeros: boolean;
  /** Digest of the average that lies beside it, where there is one. */
  readonly output?: Digest | undefined;
};

/** An opened file of sums. Offsets are bytes from its beginning. */
export type SumsFile = SumsContent & {
  readonly path: string;
  readonly size: number;
  /** Of each tensor of the layout: its leading parts, or its kept bytes. */
  readonly offsets: readonly number[];
  readonly planes: number;
  readonly patches: readonly Patch[];
};

/** Bytes that are kept of a tensor, but for the further parts. */
function keptBytes(tensor: SumTensor, count: number): number {
  if (tensor.rule === "sum") return 8 * elementsOf(tensor);
  return tensorBytes(tensor.dtype, tensor.shape) * (tensor.rule === "maximum" ? count : 1);
}

/** How a file of sums is laid out: leading parts, planes, patches, and the rest behind them. */
export function planSums(
  content: SumsContent,
  planes: number,
  patches: number,
): { header: Uint8Array; size: number; offsets: number[]; planes: number; patches: number } {
  const headerBytes = encode({ ...content, output: anyDigest }, largest, largest).length;
  const text = encode(content, planes, patches);
  const header = new Uint8Array(8 + Math.ceil(headerBytes / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(text, 8);
  const places = place(content, planes, patches);
  return {
    header,
    size: header.length + places.end,
    offsets: places.offsets.map((offset) => header.length + offset),
    planes: header.length + places.planes,
    patches: header.length + places.patches,
  };
}

// The header is written last, into room that was left for as many digits as its numbers can have, and for a digest.
const largest = 2 ** 49;
const anyDigest: Digest = `sha256:${"0".repeat(64)}`;

function place(content: SumsContent, planes: number, patches: number) {
  const offsets: number[] = new Array(content.layout.length);
  let cursor = 0;
  const put = (index: number) => {
    offsets[index] = cursor;
    cursor += keptBytes(content.layout[index]!, content.count);
  };
  const indices = content.layout.map((_, index) => index);
  for (const index of indices) if (content.layout[index]!.rule === "sum") put(index);
  const planesAt = cursor;
  const patchesAt = planesAt + 8 * planes;
  cursor = patchesAt + 8 * PATCH_FIELDS * patches;
  for (const index of indices) if (content.layout[index]!.rule !== "sum") put(index);
  return { offsets, planes: planesAt, patches: patchesAt, end: cursor };
}

function encode(content: SumsContent, planes: number, patches: number): Uint8Array {
  const { layout, count, weight, members, bothZeros, output } = content;
  const places = place(content, planes, patches);
  const entry = (dtype: string, shape: readonly number[], begin: number, bytes: number) => ({
    dtype,
    shape,
    data_offsets: [begin, begin + bytes],
  });
  const tensors = layout.map((tensor, index) => {
    const { name, dtype, shape, rule } = tensor;
    const rows = rule === "maximum" ? [count, ...shape] : shape;
    return [name, entry(rule === "sum" ? "F64" : dtype, rows, places.offsets[index]!, keptBytes(tensor, count))] as const;
  });
  const metadata = {
    format: FORMAT,
    layout: JSON.stringify(layout.map(({ name, dtype, shape, rule }) => [name, dtype, shape, rule])),
    count: String(count),
    weight: JSON.stringify(weight),
    ...(members ? { members: JSON.stringify(members.map(({ digest, weight }) => [digest, weight])) } : {}),
    ...(bothZeros ? { zeros: "both" } : {}),
    ...(output ? { output } : {}),
  };
  const header = {
    __metadata__: metadata,
    ...Object.fromEntries(tensors),
    [PLANES]: entry("F64", [planes], places.planes, 8 * planes),
    [PATCHES]: entry("U64", [patches, PATCH_FIELDS], places.patches, 8 * PATCH_FIELDS * patches),
  };
  return new TextEncoder().encode(JSON.stringify(header));
}

/** Opens a file of sums: reads its header and the list of patches. @throws SumsError (damaged), and what opening files throws. */
export async function openSums(path: string): Promise<SumsFile> {
  const damaged = (why: string) => new SumsError("damaged", `${path} is not a file of exact sums: ${why}`);
  await using source = await fileSource(path);
  const file = await openSafetensors(source).catch((error: unknown) => {
    throw error instanceof SafetensorsError ? damaged(error.message) : error;
  });
  try {
    return { path, size: source.size, ...readSums(file.header, file.header.tensors.has(PATCHES) ? await file.read(PATCHES) : undefined) };
  } catch (error) {
    throw damaged((error as Error).message);
  }
}

/** What a file says, checked against itself. Throws an Error that says what is wrong. */
function readSums({ metadata, tensors, dataOffset }: SafetensorsHeader, rows: Uint8Array | undefined): Omit<SumsFile, "path" | "size"> {
  if (metadata.get("format") !== FORMAT) throw new Error(`its format is ${metadata.get("format") ?? "not given"}, expected ${FORMAT}`);
  const content = readContent(metadata);
  const { layout, count } = content;
  const planes = tensors.get(PLANES);
  if (!rows || !planes) throw new Error(`it has no ${rows ? PLANES : PATCHES}`);
  const offsets = layout.map((tensor) => {
    const entry = tensors.get(tensor.name);
    if (entry?.end !== (entry?.begin ?? 0) + keptBytes(tensor, count)) throw new Error(`${tensor.name} is not as the layout says`);
    return dataOffset + entry.begin;
  });
  const patches = readPatches(rows);
  for (const patch of patches) checkPatch(patch, layout, (planes.end - planes.begin) / 8);
  return { ...content, offsets, planes: dataOffset + planes.begin, patches };
}

function checkPatch({ tensor, block, plane, form, offset, length }: Patch, layout: readonly SumTensor[], room: number): void {
  const of = layout[tensor];
  const left = of?.rule === "sum" ? elementsOf(of) - block * BLOCK : 0;
  const count = Math.min(BLOCK, left);
  const fits = form === "constant" ? length === 1 : form === "dense" ? length === count : length % 2 === 0 && length < count;
  if (left <= 0 || !fits || offset + length > room || plane > MOST_PLANES)
    throw new Error(`a patch of block ${block} of tensor ${tensor} lies nowhere`);
}

// Doubles reach over 2,100 binary places, and each part takes 53.
const MOST_PLANES = 64;

const RULES: ReadonlySet<string> = new Set<SumTensor["rule"]>(["sum", "agree", "maximum"]);

function readContent(metadata: ReadonlyMap<string, string>): SumsContent {
  const text = (key: string) => {
    const value = metadata.get(key);
    if (value === undefined) throw new Error(`its metadata have no ${key}`);
    return value;
  };
  const layout = (JSON.parse(text("layout")) as [string, string, number[], SumTensor["rule"]][]).map(([name, dtype, shape, rule]) => {
    if (!isDtype(dtype)) throw new Error(`${name} has the type ${dtype}`);
    if (!RULES.has(rule)) throw new Error(`${name} has the rule ${rule}`);
    return { name, dtype, shape, rule };
  });
  const listed = metadata.get("members");
  const members =
    listed === undefined
      ? undefined
      : (JSON.parse(listed) as [Digest, number][]).map(([digest, weight]): ListedMember => ({ digest, weight }));
  const output = metadata.get("output");
  const count = Number(text("count"));
  const weight: unknown = JSON.parse(text("weight"));
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`it has ${text("count")} members`);
  if (!Array.isArray(weight) || !weight.every((part) => Number.isFinite(part))) throw new Error(`its weights add up to ${text("weight")}`);
  if (members && members.length !== count) throw new Error(`it lists ${members.length} members of ${count}`);
  return {
    layout,
    count,
    weight: weight as number[],
    members,
    bothZeros: metadata.get("zeros") === "both",
    output: isDigest(output) ? output : undefined,
  };
}

function readPatches(bytes: Uint8Array): Patch[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / (8 * PATCH_FIELDS) }, (_, row) => {
    const field = (i: number) => Number(view.getBigUint64(8 * (PATCH_FIELDS * row + i), true));
    return { tensor: field(0), block: field(1), plane: field(2), form: formOf(field(3)), offset: field(4), length: field(5) };
  });
}

function formOf(number: number): Patch["form"] {
  const form = FORMS[number];
  if (form === undefined) throw new Error(`a patch has the form ${number}`);
  return form;
}

/** The list of patches as it stands in the file. */
export function encodePatches(patches: readonly Patch[]): Uint8Array {
  const bytes = new Uint8Array(8 * PATCH_FIELDS * patches.length);
  const view = new DataView(bytes.buffer);
  patches.forEach(({ tensor, block, plane, form, offset, length }, row) => {
    [tensor, block, plane, FORMS.indexOf(form), offset, length].forEach((value, i) => {
      view.setBigUint64(8 * (PATCH_FIELDS * row + i), BigInt(value), true);
    });
  });
  return bytes;
}
