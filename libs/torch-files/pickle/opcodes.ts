import { findGlobal } from "./allow-list.ts";
import { broken, type Machine } from "./machine.ts";
import { GlobalName, Inert, type PickleDict, type PickleValue, Tuple } from "./values.ts";

const HIGHEST_PROTOCOL = 5;

type Step = (machine: Machine) => void;

/**
 * What each opcode does, by its byte; the names are those of Python's pickletools. Opcodes are left out that PyTorch does not write: texts of
 * protocol 0, persistent ids in text, the extension registry, buffers outside of the pickle.
 */
export const opcodes: ReadonlyMap<number, Step> = new Map<number, Step>([
  [0x80, protocol], // PROTO
  [0x95, (m) => m.cursor.bytes(8)], // FRAME: its length matters to who reads ahead only
  // The stack and the memo.
  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => m.discard()], // POP
  [0x31, (m) => m.popMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP
  [0x68, (m) => m.recall(m.cursor.u8())], // BINGET
  [0x6a, (m) => m.recall(m.cursor.u32())], // LONG_BINGET
  [0x71, (m) => m.remember(m.cursor.u8())], // BINPUT
  [0x72, (m) => m.remember(m.cursor.u32())], // LONG_BINPUT
  [0x94, (m) => m.remember()], // MEMOIZE
  // Plain values.
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4a, (m) => m.push(m.cursor.i32())], // BININT
  [0x4b, (m) => m.push(m.cursor.u8())], // BININT1
  [0x4d, (m) => m.push(m.cursor.u16())], // BININT2
  [0x8a, (m) => m.push(m.cursor.integer(m.cursor.u8()))], // LONG1
  [0x8b, (m) => m.push(m.cursor.integer(m.cursor.u32()))], // LONG4
  [0x47, (m) => m.push(m.cursor.f64())], // BINFLOAT
  [0x55, (m) => m.push(m.cursor.latin1(m.cursor.u8()))], // SHORT_BINSTRING
  [0x54, (m) => m.push(m.cursor.latin1(m.cursor.u32()))], // BINSTRING
  [0x8c, (m) => m.push(m.cursor.text(m.cursor.u8()))], // SHORT_BINUNICODE
  [0x58, (m) => m.push(m.cursor.text(m.cursor.u32()))], // BINUNICODE
  [0x8d, (m) => m.push(m.cursor.text(m.cursor.u64()))], // BINUNICODE8
  [0x43, (m) => m.push(m.cursor.bytes(m.cursor.u8()))], // SHORT_BINBYTES
  [0x42, (m) => m.push(m.cursor.bytes(m.cursor.u32()))], // BINBYTES
  [0x8e, (m) => m.push(m.cursor.bytes(m.cursor.u64()))], // BINBYTES8
  [0x96, (m) => m.push(m.cursor.bytes(m.cursor.u64()))], // BYTEARRAY8
  // Lists, tuples, dicts, sets.
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x6c, (m) => m.push(m.popMark())], // LIST
  [0x61, (m) => append(m, [m.pop()])], // APPEND
  [0x65, (m) => append(m, m.popMark())], // APPENDS
  [0x29, (m) => m.push(new Tuple([]))], // EMPTY_TUPLE
  [0x74, (m) => m.push(new Tuple(m.popMark()))], // TUPLE
  [0x85, (m) => m.push(tupleOf(m, 1))], // TUPLE1
  [0x86, (m) => m.push(tupleOf(m, 2))], // TUPLE2
  [0x87, (m) => m.push(tupleOf(m, 3))], // TUPLE3
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x64, (m) => m.push(withItems(new Map(), m.popMark()))], // DICT
  [0x73, (m) => setItems(m, tupleOf(m, 2).items)], // SETITEM
  [0x75, (m) => setItems(m, m.popMark())], // SETITEMS
  [0x8f, (m) => m.push(new Set())], // EMPTY_SET
  [0x90, (m) => addItems(m, m.popMark())], // ADDITEMS
  [0x91, (m) => m.push(new Set(m.popMark()))], // FROZENSET
  // Names, and what is made by them.
  [0x63, (m) => m.push(globalOf(m))], // GLOBAL
  [0x93, (m) => m.push(stackGlobalOf(m))], // STACK_GLOBAL
  [0x69, (m) => m.call(globalOf(m), m.popMark())], // INST
  [0x6f, object], // OBJ
  [0x52, reduce], // REDUCE
  [0x81, reduce], // NEWOBJ
  [0x92, newObjectWithNames], // NEWOBJ_EX
  [0x62, build], // BUILD
  [0x51, (m) => m.persistent()], // BINPERSID
]);

function protocol({ cursor }: Machine): void {
  const version = cursor.u8();
  if (version < 2 || version > HIGHEST_PROTOCOL) throw broken(`is of protocol ${version}, and 2 to ${HIGHEST_PROTOCOL} are read`);
}

function append(machine: Machine, items: readonly PickleValue[]): void {
  const list = machine.top();
  if (!Array.isArray(list)) throw broken("appends to what is no list");
  for (const item of items) list.push(item);
}

function tupleOf(machine: Machine, length: number): Tuple {
  const items: PickleValue[] = [];
  while (items.length < length) items.push(machine.pop());
  return new Tuple(items.reverse());
}

function setItems(machine: Machine, items: readonly PickleValue[]): void {
  const target = machine.top();
  // Items of an object that is not kept.
  if (target instanceof Inert) return;
  if (!(target instanceof Map)) throw broken("sets items of what is no dict");
  withItems(target, items);
}

function withItems(dict: PickleDict, items: readonly PickleValue[]): PickleDict {
  if (items.length % 2 !== 0) throw broken("has a key without a value");
  for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
  return dict;
}

function addItems(machine: Machine, items: readonly PickleValue[]): void {
  const set = machine.top();
  if (!(set instanceof Set)) throw broken("adds to what is no set");
  for (const item of items) set.add(item);
}

function globalOf({ cursor }: Machine): GlobalName {
  const module = cursor.line();
  return findGlobal(module, cursor.line());
}

function stackGlobalOf(machine: Machine): GlobalName {
  const [module, name] = tupleOf(machine, 2).items;
  if (typeof module !== "string" || typeof name !== "string") throw broken("names something by what is no text");
  return findGlobal(module, name);
}

function object(machine: Machine): void {
  const [callee, ...args] = machine.popMark();
  if (callee === undefined) throw broken("calls nothing");
  machine.call(callee, args);
}

function reduce(machine: Machine): void {
  const args = machine.pop();
  if (!(args instanceof Tuple)) throw broken("calls something with what is no tuple");
  machine.call(machine.pop(), args.items);
}

function newObjectWithNames(machine: Machine): void {
  const named = machine.pop();
  if (!(named instanceof Map) || named.size > 0) throw broken("makes an object with named arguments");
  reduce(machine);
}

/** State of what is kept as data, such as `_metadata` of a state dict, is dropped: nobody reads it. */
function build(machine: Machine): void {
  machine.pop();
  const target = machine.top();
  if (target instanceof Map || target instanceof Inert) return;
  throw broken(`sets the state of ${target instanceof GlobalName ? target : "what has none"}`);
}
