import { createHash } from "node:crypto";
import { join } from "node:path";
import { userCache } from "#libs/files";
import { binding, type Variant, variants } from "./packages.ts";

/** Where a variant of TensorFlow is, once it is set up. */
export type Place = {
  /** Holds all variants, and what is downloaded for them. */
  readonly root: string;
  readonly folder: string;
  /** The Node-API module in it. */
  readonly binding: string;
};

/**
 * Where the pinned version of a variant is in the user's cache, once it is set up: another pin is another folder.
 * @example
 * ```ts
 * tensorflowPlace("tensorflow", { XDG_CACHE_HOME: "/cache" }).root; // "/cache/ratatouille/tensorflow"
 * ```
 */
export function tensorflowPlace(variant: Variant, env: NodeJS.ProcessEnv = process.env): Place {
  const root = userCache("tensorflow", env);
  const { version, revision, wheels } = variants[variant];
  const pins = [revision, binding.sha256, ...wheels.map(({ sha256 }) => sha256)].join();
  const folder = join(root, `${variant}-${version}-${createHash("sha256").update(pins).digest("hex").slice(0, 8)}`);
  return { root, folder, binding: join(folder, "tensorflow", "tfjs_binding.node") };
}
