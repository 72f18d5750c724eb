import { type Digest, mediaTypes, readManifest } from "#libs/recipes";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { Catalog } from "../catalog.ts";
import { findByRef, readSmall, type StoredManifest } from "../manifests/find-manifest.ts";
import { INDEX_TYPE, parseManifest } from "../manifests/oci-manifest.ts";
import { referrersPrefix } from "../names.ts";
import { type Derived, derivedReferrers, type NamedManifest } from "./derived.ts";

/** Finds what refers to a manifest. */
export type Referrers = {
  /** What the catalog knows of an artifact, and what was pushed with it as subject, in the order of digests. */
  list(subject: Digest, signal: AbortSignal): Promise<readonly NamedManifest[]>;
  /** A manifest that says what the catalog knows of an artifact, by its own digest. */
  find(digest: Digest, signal: AbortSignal): Promise<StoredManifest | undefined>;
};

/** Artifacts whose derived manifests are known to be stored; then they are looked at again. */
const MOST_KNOWN = 100_000;

/** The referrers of a catalog. */
export function createReferrers(catalog: Catalog): Referrers {
  const stored = new Set<string>();

  async function derive(artifact: Artifact, signal: AbortSignal): Promise<readonly Derived[]> {
    const manifest = readManifest(artifact.manifest);
    const others = await Promise.all(
      [...new Set(artifact.inputs)].map((digest) => catalog.find({ case: "digest", value: digest }, signal)),
    );
    const named = [artifact, ...others].flatMap((one) => (one ? [nameOf(one)] : []));
    return derivedReferrers(manifest, new Map(named.map((one) => [one.digest, one])));
  }

  /** They are found by their digests from then on, as long as the artifact is: somebody may have written one down. */
  async function keep(artifact: Digest, all: readonly Derived[], signal: AbortSignal): Promise<void> {
    if (stored.has(artifact)) return;
    const blobs = all.flatMap(({ bytes, blobs }) => [bytes, ...blobs]);
    const kept = await Promise.all(blobs.map((blob) => catalog.artifacts.upload(blob, { mediaType: mediaTypes.sourceLayer, signal })));
    await catalog.client.pin({ holder: holderOf(artifact), digests: kept.map(({ digest }) => digest) }, { signal });
    if (stored.size >= MOST_KNOWN) stored.clear();
    stored.add(artifact);
  }

  return {
    async list(subject, signal) {
      const artifact = await catalog.find({ case: "digest", value: subject }, signal);
      const known = artifact ? await derive(artifact, signal) : [];
      if (known.length > 0) await keep(subject, known, signal);
      const pushed: NamedManifest[] = [];
      for await (const { name, digest } of catalog.refs(referrersPrefix(subject), signal)) {
        const found = digest === "" ? undefined : await findByRef(catalog, name, signal);
        if (found === undefined) continue;
        const { mediaType, artifactType, annotations, bytes } = parseManifest(found.bytes);
        pushed.push({ mediaType, digest: found.digest, size: bytes.length, artifactType, annotations });
      }
      return [...known.map(({ descriptor }) => descriptor), ...pushed];
    },

    async find(digest, signal) {
      const bytes = await readSmall(catalog, digest, signal);
      const subject = bytes && subjectOf(bytes);
      const artifact = subject && (await catalog.find({ case: "digest", value: subject }, signal));
      if (!artifact) return undefined;
      const found = (await derive(artifact, signal)).find(({ descriptor }) => descriptor.digest === digest);
      return found && { digest, mediaType: found.descriptor.mediaType, bytes: found.bytes, artifact: undefined };
    },
  };
}

/** Who keeps the derived manifests of an artifact in the catalog. */
export function holderOf(artifact: Digest): string {
  return `oci/${artifact}`;
}

/** An artifact as lists of manifests name it. */
function nameOf({ digest, manifest }: Artifact): NamedManifest {
  const { artifactType } = parseManifest(manifest);
  return { mediaType: mediaTypes.manifest, digest: digest as Digest, size: manifest.length, artifactType };
}

/** The subject of a blob, if that is a manifest with one. */
function subjectOf(bytes: Uint8Array): string | undefined {
  // Weights are not read as JSON: what was derived begins as canonical JSON does.
  if (bytes[0] !== "{".charCodeAt(0)) return undefined;
  try {
    return parseManifest(bytes).subject;
  } catch {
    return undefined;
  }
}

/** The answer of the referrers API. */
export function referrersIndex(manifests: readonly NamedManifest[]): Uint8Array {
  const listed = manifests.map(({ annotations, ...one }) => ({ ...one, ...(annotations ? { annotations } : {}) }));
  return new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: listed }));
}
