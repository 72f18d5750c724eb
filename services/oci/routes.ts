/** What a request is about: the endpoints of the distribution specification, and the list of repositories, which registries have besides. */
export type Route =
  | { readonly to: "base" }
  | { readonly to: "repositories" }
  | { readonly to: "manifest"; readonly name: string; readonly reference: string }
  | { readonly to: "blob"; readonly name: string; readonly digest: string }
  | { readonly to: "uploads"; readonly name: string }
  | { readonly to: "upload"; readonly name: string; readonly id: string }
  | { readonly to: "tags"; readonly name: string }
  | { readonly to: "referrers"; readonly name: string; readonly digest: string };

/** Of each endpoint what a span and a metric call it. */
export const routeNames: { readonly [T in Route["to"]]: string } = {
  base: "/v2/",
  repositories: "/v2/_catalog",
  manifest: "/v2/{name}/manifests/{reference}",
  blob: "/v2/{name}/blobs/{digest}",
  uploads: "/v2/{name}/blobs/uploads/",
  upload: "/v2/{name}/blobs/uploads/{id}",
  tags: "/v2/{name}/tags/list",
  referrers: "/v2/{name}/referrers/{digest}",
};

/**
 * The endpoint of a path; undefined where there is none.
 * @example
 * ```ts
 * routeOf("/v2/birds/champion/manifests/latest"); // { to: "manifest", name: "birds/champion", reference: "latest" }
 * routeOf("/v2/"); // { to: "base" }
 * routeOf("/v1/"); // undefined
 * ```
 */
export function routeOf(path: string): Route | undefined {
  if (path === "/v2/" || path === "/v2") return { to: "base" };
  if (path === "/v2/_catalog") return { to: "repositories" };
  const [, name = "", rest = ""] = /^\/v2\/(.+)\/((?:manifests|blobs|tags|referrers)\/.*)$/.exec(path) ?? [];
  const [kind, one = "", two, ...more] = rest.split("/").map(decode);
  if (more.length > 0 || (two !== undefined && kind !== "blobs")) return upload(path);
  if (kind === "manifests") return { to: "manifest", name, reference: one };
  if (kind === "tags" && one === "list") return { to: "tags", name };
  if (kind === "referrers") return { to: "referrers", name, digest: one };
  return upload(path) ?? (kind === "blobs" && two === undefined ? { to: "blob", name, digest: one } : undefined);
}

function upload(path: string): Route | undefined {
  const [, name = "", id] = /^\/v2\/(.+)\/blobs\/uploads(?:\/([^/]*))?$/.exec(path) ?? [];
  if (name === "") return undefined;
  return id ? { to: "upload", name, id } : { to: "uploads", name };
}

/** What cannot be decoded is no name of anything. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
