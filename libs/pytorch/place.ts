import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { userCache } from "#libs/files";

/** What torch computes on: processors alone, or NVIDIA's GPUs too, whose libraries are most of what is downloaded. */
export type Build = "cpu" | "cuda";

/** What pip installs. Both libraries of networks go with a version of torch, and need not be newer than each other. */
export const PACKAGES = ["torch==2.15.0", "torchvision==0.29.2", "timm==1.0.31", "pillow==13.0.0"] as const;

/** Where builds for processors are, which PyPI does not have for Linux. */
export const CPU_INDEX = "https://download.pytorch.org/whl/cpu";

/** Bytes that are downloaded, and that stay: as they were on Linux with x86-64. */
export const SIZES = {
  cpu: { download: 300e6, installed: 1.3e9 },
  cuda: { download: 3e9, installed: 5.8e9 },
} as const satisfies { readonly [B in Build]: { readonly download: number; readonly installed: number } };

/** The Python package of this version of ratatouille: what its trainer is made of. */
export const CLIENT = fileURLToPath(new URL("../../clients/python", import.meta.url));

/** Where an environment with PyTorch is, once it is set up. */
export type Place = {
  readonly root: string;
  /** A virtual environment of each build. */
  readonly environments: { readonly [B in Build]: string };
  /** Says which environment is used. */
  readonly list: string;
};

/**
 * Where PyTorch is in the user's cache.
 * @example
 * ```ts
 * torchPlace({ XDG_CACHE_HOME: "/cache" }).environments.cpu; // "/cache/ratatouille/torch/cpu"
 * ```
 */
export function torchPlace(env: NodeJS.ProcessEnv = process.env): Place {
  const root = userCache("torch", env);
  return { root, environments: { cpu: join(root, "cpu"), cuda: join(root, "cuda") }, list: join(root, "installed.json") };
}
