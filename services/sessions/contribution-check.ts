import { createHash, type Hash } from "node:crypto";
import { parseSafetensorsHeader, SafetensorsError, safetensorsHeaderLength, type TensorEntry } from "#libs/tensors";
import { ContributionError } from "./errors.ts";
import { firstNotFinite, isSummed, numberBytes, type SummedType } from "./finite.ts";
import { compareLayout, type Layout, layoutOf, ruleOf } from "./layout.ts";

/** Looks at a contribution while its bytes arrive. */
export type ContributionCheck = {
  /** The next bytes, cut anywhere. They are not kept. @throws ContributionError as soon as something is wrong */
  push(bytes: Uint8Array): void;
  /** What the contribution consists of. After the last byte. */
  layout(): Layout;
};

const LENGTH_BYTES = 8;

/**
 * Checks a safetensors file of `size` bytes: its header, its layout against that of the session as far as that is known, and that every
 * number is finite. Memory: the header.
 */
export function createContributionCheck({
  size,
  headerBytes,
  expected,
}: {
  readonly size: number;
  readonly headerBytes: number;
  readonly expected: () => Layout | undefined;
}): ContributionCheck {
  const limits = { maxHeaderBytes: headerBytes };
  let head = new Uint8Array(LENGTH_BYTES);
  let headFilled = 0;
  let tensors: TensorCheck[] | undefined;
  let layout: Layout = [];
  let current = 0;

  function takeHead(bytes: Uint8Array): Uint8Array {
    const piece = bytes.subarray(0, head.length - headFilled);
    head.set(piece, headFilled);
    headFilled += piece.length;
    if (headFilled === head.length) readHead();
    return bytes.subarray(piece.length);
  }

  function readHead(): void {
    if (head.length === LENGTH_BYTES) {
      const whole = new Uint8Array(LENGTH_BYTES + safetensorsHeaderLength(head, size, limits));
      whole.set(head);
      head = whole;
      if (headFilled < head.length) return;
    }
    const header = parseSafetensorsHeader(head, size, limits);
    head = new Uint8Array(0);
    layout = layoutOf(header);
    const wanted = expected();
    if (wanted) compareLayout(wanted, layout);
    tensors = [...header.tensors].map(([name, entry]) => tensorCheck(name, entry)).filter(({ left }) => left > 0);
  }

  return {
    push(bytes) {
      try {
        let rest = bytes;
        while (rest.length > 0 && tensors === undefined) rest = takeHead(rest);
        while (rest.length > 0) {
          const tensor = tensors?.[current];
          // The header says where the file ends, and the receiver takes no more.
          if (tensor === undefined) throw new ContributionError("CONTRIBUTION_INVALID", "chunk", "bytes after the last tensor");
          const piece = rest.subarray(0, tensor.left);
          tensor.push(piece);
          if (tensor.left === 0) current++;
          rest = rest.subarray(piece.length);
        }
      } catch (error) {
        if (!(error instanceof SafetensorsError)) throw error;
        throw new ContributionError("CONTRIBUTION_INVALID", "chunk", `the contribution is ${error.message}`, { cause: error });
      }
    },
    layout() {
      if (tensors === undefined || current < tensors.length) throw new Error("the contribution is not complete");
      const same = new Map(tensors.map(({ name, same }) => [name, same?.()]));
      return layout.map((tensor) => {
        if (ruleOf(tensor) !== "same") return tensor;
        return { ...tensor, same: same.get(tensor.name) ?? createHash("sha256").digest("hex") };
      });
    },
  };
}

type TensorCheck = { readonly name: string; left: number; push(bytes: Uint8Array): void; same?: () => string };

function tensorCheck(name: string, { dtype, begin, end }: TensorEntry): TensorCheck {
  const left = end - begin;
  if (isSummed(dtype)) return finiteCheck(name, dtype, left);
  const check = {
    name,
    left,
    push(bytes: Uint8Array) {
      check.left -= bytes.length;
    },
  };
  return ruleOf({ name, dtype }) === "same" ? sameCheck(check, createHash("sha256")) : check;
}

function sameCheck(check: TensorCheck, hash: Hash): TensorCheck {
  check.push = (bytes) => {
    hash.update(bytes);
    check.left -= bytes.length;
  };
  let digest: string | undefined;
  check.same = () => (digest ??= hash.digest("hex"));
  return check;
}

/** Numbers may be cut by the ends of chunks: the part of one that is there waits for the rest. */
function finiteCheck(name: string, dtype: SummedType, bytes: number): TensorCheck {
  const width = numberBytes(dtype);
  const cut = new Uint8Array(width);
  let waiting = 0;
  let element = 0;
  const look = (whole: Uint8Array) => {
    const bad = firstNotFinite(dtype, whole);
    if (bad >= 0) {
      const message = `tensor ${JSON.stringify(name)} is not finite at element ${element + bad}`;
      throw new ContributionError("NOT_FINITE", "chunk", message);
    }
    element += whole.length / width;
  };
  const check: TensorCheck = {
    name,
    left: bytes,
    push(piece) {
      check.left -= piece.length;
      let rest = piece;
      if (waiting > 0) {
        const missing = rest.subarray(0, width - waiting);
        cut.set(missing, waiting);
        waiting += missing.length;
        rest = rest.subarray(missing.length);
        if (waiting < width) return;
        look(cut);
      }
      waiting = rest.length % width;
      look(rest.subarray(0, rest.length - waiting));
      cut.set(rest.subarray(rest.length - waiting));
    },
  };
  return check;
}
