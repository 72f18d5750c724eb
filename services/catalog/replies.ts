import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ArtifactSchema } from "#proto/ratatouille/v1/artifact_pb.ts";
import {
  CatalogFault_Kind,
  type CheckCatalogResponseSchema,
  type RefSchema,
  type RetentionRuleSchema,
  type TagSchema,
} from "#proto/ratatouille/v1/catalog_pb.ts";
import type { ArtifactRecord } from "./artifacts.ts";
import { type CheckEvent, type Fault, positionToken } from "./check.ts";
import { artifactKinds } from "./kinds.ts";
import type { RefRecord } from "./refs.ts";
import type { RetentionRule } from "./retention.ts";
import type { TagRecord } from "./tags.ts";

/** An artifact as replies carry it. */
export function toArtifact(artifact: ArtifactRecord): MessageInitShape<typeof ArtifactSchema> {
  const { digest, kind, manifest, recipeKey, inputs, sizeBytes, damaged, stale, publishedAt, annotations, names } = artifact;
  return {
    ...{ digest, kind: artifactKinds[kind], manifest, recipeKey, inputs: [...inputs], damaged, stale },
    sizeBytes: BigInt(sizeBytes),
    publishedAtMs: BigInt(publishedAt),
    annotations: { ...annotations },
    names: [...names],
  };
}

/** A tag as replies carry it. */
export function toTag({ name, digest, taggedAt }: TagRecord): MessageInitShape<typeof TagSchema> {
  return { name, digest, taggedAtMs: BigInt(taggedAt) };
}

/** A ref as replies carry it; times in whole seconds. */
export function toRef({ name, digest, history }: RefRecord): MessageInitShape<typeof RefSchema> {
  const moves = history.map((move) => ({
    digest: move.digest ?? "",
    reason: move.reason,
    movedAt: BigInt(Math.floor(move.movedAt / 1000)),
  }));
  return { name, digest: digest ?? "", history: moves };
}

/** A rule as replies carry it. */
export function toRetentionRule({ keepSeconds, ...rule }: RetentionRule): MessageInitShape<typeof RetentionRuleSchema> {
  return { ...rule, keepSeconds: BigInt(keepSeconds) };
}

const faultKinds: { readonly [K in Fault["kind"]]: CatalogFault_Kind } = {
  "blob-corrupted": CatalogFault_Kind.BLOB_CORRUPTED,
  "blob-missing": CatalogFault_Kind.BLOB_MISSING,
  manifest: CatalogFault_Kind.MANIFEST,
  reference: CatalogFault_Kind.REFERENCE,
};
/** Digests of artifacts in one message. */
const MOST_TOLD = 100;

/** What a check tells, as replies carry it. */
export function toCheckEvent(event: CheckEvent): NonNullable<MessageInitShape<typeof CheckCatalogResponseSchema>["event"]> {
  switch (event.is) {
    case "fault": {
      const { kind, digest, artifacts, message } = event.fault;
      return { case: "fault", value: { kind: faultKinds[kind], digest, artifacts: artifacts.slice(0, MOST_TOLD), message } };
    }
    case "progress": {
      const { blobs, bytes, artifacts } = event.counts;
      const checked = { checkedBlobs: BigInt(blobs), checkedBytes: BigInt(bytes), checkedArtifacts: BigInt(artifacts) };
      return { case: "progress", value: { ...checked, resumeToken: positionToken(event.position) } };
    }
    case "done": {
      const { blobs, bytes, artifacts } = event.counts;
      return {
        case: "summary",
        value: { blobs: BigInt(blobs), bytes: BigInt(bytes), artifacts: BigInt(artifacts), faults: BigInt(event.faults) },
      };
    }
  }
}
