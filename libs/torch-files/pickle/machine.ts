import { TorchFileError } from "../errors.ts";
import { callGlobal } from "./allow-list.ts";
import type { Cursor } from "./cursor.ts";
import { type PickleValue, Tuple } from "./values.ts";

/** Values that are put on the stack or remembered in a whole run: a state dict of 100,000 tensors needs some 5 million. */
const MOST_VALUES = 8_000_000;

/** The stack, the marks and the memo of a pickle that is read. */
export class Machine {
  readonly cursor: Cursor;
  readonly #persistent: (id: PickleValue) => PickleValue;
  readonly #memo = new Map<number, PickleValue>();
  /** The stacks below the marks. */
  readonly #marked: PickleValue[][] = [];
  #stack: PickleValue[] = [];
  #left = MOST_VALUES;

  constructor(cursor: Cursor, persistent: (id: PickleValue) => PickleValue) {
    this.cursor = cursor;
    this.#persistent = persistent;
  }

  push(value: PickleValue): void {
    this.#spend(1);
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined) throw broken("takes from an empty stack");
    return value;
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw broken("looks at an empty stack");
    return value;
  }

  /** Takes the last value, or the last mark where nothing is above it. */
  discard(): void {
    if (this.#stack.length === 0 && this.#marked.length > 0) this.popMark();
    else this.pop();
  }

  mark(): void {
    this.#spend(1);
    this.#marked.push(this.#stack);
    this.#stack = [];
  }

  /** All values above the last mark, and takes the mark away. */
  popMark(): PickleValue[] {
    const items = this.#stack;
    const below = this.#marked.pop();
    if (below === undefined) throw broken("has no mark where it needs one");
    this.#stack = below;
    return items;
  }

  remember(index = this.#memo.size): void {
    this.#spend(1);
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw broken(`refers to value ${index}, which is not there`);
    this.push(value);
  }

  call(callee: PickleValue, args: readonly PickleValue[]): void {
    this.#spend(costOf(args));
    this.push(callGlobal(callee, args));
  }

  persistent(): void {
    this.push(this.#persistent(this.pop()));
  }

  #spend(values: number): void {
    this.#left -= values;
    if (this.#left < 0) throw new TorchFileError("limit", `its pickle makes more than ${MOST_VALUES} values`);
  }
}

/** Values that a call may look at. */
function costOf(args: readonly PickleValue[]): number {
  return args.reduce<number>((sum, arg) => {
    if (arg instanceof Map || arg instanceof Set) return sum + arg.size;
    return sum + (Array.isArray(arg) ? arg.length : arg instanceof Tuple ? arg.items.length : 1);
  }, 1);
}

/** A pickle that Python's own reader would not take either, or that PyTorch does not write. */
export function broken(what: string): TorchFileError {
  return new TorchFileError("pickle", `its pickle is broken: it ${what}`);
}
