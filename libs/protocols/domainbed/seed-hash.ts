import { createHash } from "node:crypto";

/**
 * DomainBed's seed of a thing that has these names and numbers: the md5 of Python's text of the tuple, modulo 2^31.
 * (facebookresearch/DomainBed, domainbed/lib/misc.py, `seed_hash`.)
 * @param parts whole numbers, and texts of letters, digits, "_" and "-".
 * @example
 * ```ts
 * [seedHash(0, 0), seedHash(0, 1), seedHash(1, 0)]; // [894182419, 1514274641, 785910682]
 * seedHash("PACS", "ERM", [0], 0, 0); // 94828300
 * ```
 */
export function seedHash(...parts: readonly (number | string | readonly number[])[]): number {
  const texts = parts.map((part) =>
    typeof part === "string" ? `'${part}'` : typeof part === "number" ? String(part) : `[${part.join(", ")}]`,
  );
  const tuple = `(${texts.join(", ")}${texts.length === 1 ? "," : ""})`;
  return Number(BigInt(`0x${createHash("md5").update(tuple).digest("hex")}`) % 2n ** 31n);
}
