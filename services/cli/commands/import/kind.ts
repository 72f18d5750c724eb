import type { Digest } from "#libs/recipes";
import type { RpcChannel } from "#libs/rpc";
import type { CommandContext } from "../../context.ts";
import type { ImportOptions } from "./options.ts";

/** A kind of thing that can be imported. Each is a file of this folder, and an entry in `kinds.ts`. */
export type ImportKind = {
  /** Whether what is at a path is one of these. The first kind that takes it imports it. */
  takes(path: string): Promise<boolean>;
  /**
   * Reads all that tells whether it can be imported, before anything of any path is stored. @throws UsageError, or an error with one sentence
   */
  prepare(path: string, options: ImportOptions, context: CommandContext): Promise<PreparedImport>;
};

/** Something that is ready to be stored. */
export type PreparedImport = {
  readonly path: string;
  /** What it is called where nobody says: the last word of its name. */
  readonly word: string;
  /** Stores it, unless it is there. @param base the artifact that it is said to come from */
  store(channel: RpcChannel, base: Digest | undefined): Promise<Stored>;
};

/** What was stored: as people read it, line by line, and as programs do. */
export type Stored = {
  readonly digest: Digest;
  readonly lines: readonly (readonly [name: string, value: string])[];
  readonly facts: { readonly [name: string]: unknown };
};
