import type { ModelFiles } from "#libs/models";

/**
 * Whether the hub can resolve a name: `name` or `organisation/name`, by the rules of huggingface_hub's `validate_repo_id`.
 * @example
 * ```ts
 * isHubName("org/model-7B-v0.1"); // true
 * isHubName("./model"); // false
 * ```
 */
export function isHubName(text: string): boolean {
  return /^([\w.-]*\w\/)?[\w.-]{1,96}$/.test(text) && !/^[-./]|\/[-.]|[-.]$|--|\.\.|\.git$/.test(text);
}

/**
 * What a model is called on the hub, where that is known: by its place in the hub's cache (…/models--org--name/snapshots/…), or because it
 * was asked for as `org/name` and found elsewhere. A folder that is only called so may be anything.
 */
export function hubNameOf({ path, name, artifact }: Pick<ModelFiles, "path" | "name" | "artifact">): string | undefined {
  if (artifact !== undefined) return undefined;
  const [, cached] = /(?:^|[\\/])models--([^\\/]+)[\\/]snapshots[\\/]/.exec(path) ?? [];
  const asked = name !== path && name.includes("/") ? name : undefined;
  return [cached?.replaceAll("--", "/"), asked].find((candidate) => candidate !== undefined && isHubName(candidate));
}
