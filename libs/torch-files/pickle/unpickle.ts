import { Cursor } from "./cursor.ts";
import { broken, Machine } from "./machine.ts";
import { opcodes } from "./opcodes.ts";
import type { PickleValue } from "./values.ts";

const STOP = 0x2e;

/**
 * Reads a pickle of the protocols 2 to 5 as plain data. Nothing is imported, and nothing is called but the few pure functions of the allow-list,
 * which are ours.
 * @param persistent makes of a persistent id what it stands for
 * @returns the value, and the byte behind its pickle
 * @throws TorchFileError (call, pickle, truncated, limit)
 */
export function unpickle(
  bytes: Uint8Array,
  persistent: (id: PickleValue) => PickleValue = () => {
    throw broken("has a persistent id where there is none");
  },
  begin = 0,
): { readonly value: PickleValue; readonly end: number } {
  const cursor = new Cursor(bytes, begin);
  const machine = new Machine(cursor, persistent);
  for (;;) {
    const opcode = cursor.u8();
    if (opcode === STOP) return { value: machine.pop(), end: cursor.at };
    const step = opcodes.get(opcode);
    if (step === undefined)
      throw broken(`has the opcode 0x${opcode.toString(16).padStart(2, "0")} at byte ${cursor.at - 1}, which PyTorch does not write`);
    step(machine);
  }
}
