import type { Dtype } from "#libs/tensors";
import { excerpt } from "#libs/text";
import { TorchFileError } from "../errors.ts";
import { rebuild, rebuildFromType, rebuildTyped, rebuildUntyped } from "./rebuild.ts";
import { GlobalName, Inert, type PickleDict, type PickleValue, Tuple } from "./values.ts";

type Call = (args: readonly PickleValue[]) => PickleValue;

/** Storage classes of PyTorch by name, and the type of their elements. */
const STORAGES: Readonly<Record<string, Dtype>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  ComplexFloatStorage: "C64",
};

/** Types of PyTorch by name. */
const DTYPES: Readonly<Record<string, Dtype>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  float8_e4m3fn: "F8_E4M3",
  float8_e5m2: "F8_E5M2",
  float8_e4m3fnuz: "F8_E4M3FNUZ",
  float8_e5m2fnuz: "F8_E5M2FNUZ",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
  complex64: "C64",
};

/** Names that may be called, and what is done then. */
const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["collections.OrderedDict", dictOfPairs],
  ["collections.defaultdict", (args) => dictOfPairs(args.slice(1))],
  ["collections.Counter", dictOfPairs],
  ["builtins.set", setOf],
  ["builtins.frozenset", setOf],
  ["torch._utils._rebuild_tensor", rebuildTyped],
  ["torch._utils._rebuild_tensor_v2", rebuildTyped],
  ["torch._utils._rebuild_tensor_v3", (args) => rebuildUntyped(args, dtypeOf)],
  ["torch._utils._rebuild_parameter", rebuild],
  ["torch._utils._rebuild_parameter_with_state", rebuild],
  ["torch._tensor._rebuild_from_type_v2", (args) => rebuildFromType(args, callGlobal)],
  ["torch.Size", ([sizes]) => (sizes instanceof Tuple ? sizes : new Tuple([]))],
  ...[
    ...["torch.device", "torch.serialization._get_layout", "_codecs.encode", "builtins.complex", "builtins.bytearray"],
    ...["builtins.slice", "builtins.range", "argparse.Namespace", "types.SimpleNamespace", "datetime.datetime", "datetime.timedelta"],
    ...["pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath", "pathlib.PureWindowsPath", "numpy.dtype"],
    ...["numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"],
    ...["numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"],
  ].map((name) => [name, () => new Inert(name)] as const),
]);

/** Names that are only named: as types, or as what another call is told. */
const NAMES: ReadonlySet<string> = new Set([
  ...["int", "float", "bool", "str", "bytes", "list", "tuple", "dict", "object"].map((name) => `builtins.${name}`),
  ...["torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "numpy.ndarray"],
  ...["torch.UntypedStorage", "torch.storage.UntypedStorage", "torch.complex128", "torch.strided"],
]);

/** A name on the allow-list. @throws TorchFileError (call) for all others */
export function findGlobal(module: string, name: string): GlobalName {
  // As Python 2 called it.
  const found = new GlobalName(module === "__builtin__" ? "builtins" : module, name);
  const text = found.toString();
  const isAllowed = CALLS.has(text) || NAMES.has(text) || storageType(found) !== undefined || dtypeOf(found) !== undefined;
  if (isAllowed) return found;
  if (/^torch(\.cuda)?\.\w+Storage$/.test(text) || /^torch\._utils\._rebuild_\w*tensor\w*$/.test(text))
    throw new TorchFileError(
      "tensor",
      `it has tensors of a kind that is not read (${excerpt(text)}): sparse, quantised, or of another type of numbers`,
    );
  throw refused(text);
}

/** Does what a call of a name on the allow-list does. @throws TorchFileError (call, pickle, storage, tensor) */
export function callGlobal(callee: PickleValue, args: readonly PickleValue[]): PickleValue {
  if (!(callee instanceof GlobalName)) throw new TorchFileError("call", "it wants to call what is no function; nothing of it was run");
  const call = CALLS.get(callee.toString());
  if (call === undefined) throw refused(callee.toString());
  return call(args);
}

/** The element type of a storage class; null for the untyped one; undefined for what is none. */
export function storageType({ module, name }: GlobalName): Dtype | null | undefined {
  if (/^torch(\.storage)?$/.test(module) && name === "UntypedStorage") return null;
  return /^torch(\.cuda)?$/.test(module) && Object.hasOwn(STORAGES, name) ? STORAGES[name] : undefined;
}

function dtypeOf({ module, name }: GlobalName): Dtype | undefined {
  return module === "torch" && Object.hasOwn(DTYPES, name) ? DTYPES[name] : undefined;
}

function refused(name: string): TorchFileError {
  const whole = /^__main__\.|(^|\.)(nn|models?|nets?|networks?)\./.test(name)
    ? ". It looks as if a whole module was saved: save its state_dict() instead"
    : "";
  // Python pickles the functions of `os` under the name of the module that they are from.
  const known = name.replace(/^(posix|nt)\.(.*)$/s, "os.$2 ($1.$2)");
  return new TorchFileError("call", `it wants to call ${excerpt(known)}; nothing of it was run${whole}`);
}

function dictOfPairs([pairs]: readonly PickleValue[]): PickleDict {
  if (pairs === undefined) return new Map();
  if (pairs instanceof Map) return new Map(pairs);
  const items = Array.isArray(pairs) ? pairs : pairs instanceof Tuple ? pairs.items : [];
  return new Map(
    items.map((pair) => {
      const [key, value] = pair instanceof Tuple ? pair.items : Array.isArray(pair) ? pair : [];
      if (key === undefined || value === undefined) throw new TorchFileError("pickle", "its pickle is broken: it makes a dict of no pairs");
      return [key, value] as const;
    }),
  );
}

function setOf([items]: readonly PickleValue[]): ReadonlySet<PickleValue> {
  return new Set(Array.isArray(items) ? items : items instanceof Tuple ? items.items : []);
}
