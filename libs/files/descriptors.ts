import { closeSync, openSync } from "node:fs";

/** Files by path, opened when they are first needed. */
export type Descriptors = Disposable & {
  /**
   * The descriptor of a file, until the next call: the ones that were not used for longest are closed where there are too many.
   * @param flags "r" to read, "r+" to write what is there
   * @param onOpen looks at a file that was just opened; what it throws is thrown, and the file is not kept
   */
  of(path: string, flags: "r" | "r+", onOpen?: (descriptor: number) => void): number;
};

/**
 * Files that stay open between uses, none at first.
 * @param most files that are open at once: a process may have some thousand in all, for all its threads
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("shard"), "abcdef");
 * using files = openDescriptors();
 * const bytes = new Uint8Array(3);
 * readAt(files.of(directory.join("shard"), "r"), bytes, 2); // 3
 * Buffer.from(bytes).toString(); // "cde"
 * ```
 */
export function openDescriptors(most = 64): Descriptors {
  const open = new Map<string, number>();
  return {
    of(path, flags, onOpen) {
      const key = `${flags} ${path}`;
      const known = open.get(key);
      if (known !== undefined) {
        // The order of the map is that of the last use.
        open.delete(key);
        open.set(key, known);
        return known;
      }
      if (open.size >= most) {
        const [oldest, descriptor] = open.entries().next().value!;
        open.delete(oldest);
        closeSync(descriptor);
      }
      const descriptor = openSync(path, flags);
      try {
        onOpen?.(descriptor);
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
      open.set(key, descriptor);
      return descriptor;
    },
    [Symbol.dispose]() {
      for (const descriptor of open.values()) closeSync(descriptor);
      open.clear();
    },
  };
}
