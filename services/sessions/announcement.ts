import { type Descriptor, layerOf, mediaTypes, readManifest } from "#libs/recipes";
import type { ContributionHeader } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { SessionContext } from "./context.ts";
import { exhausted, refuse } from "./errors.ts";
import { parseAmount, parseContributor, parseDigest } from "./requests.ts";
import type { Announcement, SessionRow } from "./store/rows.ts";

/**
 * What a header says of its contribution; of one `from_catalog`, what the model there says.
 * @throws RpcError SESSION_INVALID, CONTRIBUTION_QUOTA, CONTRIBUTION_MISMATCH, CONTRIBUTOR_UNKNOWN, and those of the catalog
 */
export async function announcementOf(
  { limits, artifacts }: SessionContext,
  session: SessionRow,
  header: ContributionHeader,
  signal: AbortSignal,
): Promise<Announcement> {
  const contributor = parseContributor("header.contributor", header.contributor);
  const artifact = header.artifact === "" ? undefined : parseDigest("header.artifact", header.artifact);
  if (header.fromCatalog && artifact === undefined)
    throw refuse("SESSION_INVALID", "header.artifact: is missing; the bytes are to be those of a model of the catalog", {
      field: "header.artifact",
    });
  const announcedSize = parseAmount("header.size_bytes", header.sizeBytes);
  // What the model says of its weights may be left out, if they are taken from there.
  const announced = header.fromCatalog && header.digest === "" ? undefined : parseDigest("header.digest", header.digest);
  if (!header.fromCatalog) checkSize(announcedSize, session, limits);
  const weight = weightOf(session, contributor, header.weight);
  const layer = artifact === undefined ? undefined : await weightsOf(artifacts, artifact, announced, signal);
  const digest = announced ?? (layer?.digest as Announcement["digest"]);
  const size = header.fromCatalog && layer ? layer.size : announcedSize;
  if (header.fromCatalog) {
    const field = "header.size_bytes";
    if (announcedSize !== 0 && announcedSize !== size)
      throw refuse("CONTRIBUTION_MISMATCH", `the weights of ${artifact} have ${size} bytes, announced were ${announcedSize}`, { field });
    checkSize(size, session, limits);
  }
  return { contributor, size, digest, weight, artifact };
}

/** The weights of a model of the catalog, which are to have the given digest. @throws RpcError CONTRIBUTION_MISMATCH */
async function weightsOf(
  artifacts: SessionContext["artifacts"],
  artifact: string,
  digest: string | undefined,
  signal: AbortSignal,
): Promise<Descriptor> {
  const manifest = readManifest((await artifacts.get(artifact, { signal })).manifest);
  const layer = manifest.kind === "model" ? layerOf(manifest, mediaTypes.weights) : undefined;
  if (layer && (digest === undefined || layer.digest === digest)) return layer;
  const what = layer ? `has the weights ${layer.digest}` : `is a ${manifest.kind}`;
  const whose = digest === undefined ? "a contribution is a model" : `the contribution is ${digest}`;
  throw refuse("CONTRIBUTION_MISMATCH", `artifact ${artifact} ${what}; ${whose}`, { field: "header.artifact" });
}

function checkSize(size: number, session: SessionRow, limits: SessionContext["limits"]): void {
  const quotas = [
    ["max_contribution_bytes", session.max_contribution_bytes ?? Number.POSITIVE_INFINITY, "of the session"],
    ["contributionBytes", limits.contributionBytes, "of this server"],
    ["stagingBytes", limits.stagingBytes, "of this server for all"],
  ] as const;
  for (const [field, limit, whose] of quotas) {
    if (size > limit)
      throw exhausted("CONTRIBUTION_QUOTA", field, limit, `the contribution has ${size} bytes; the limit ${whose} is ${limit}`);
  }
  if (size === 0)
    throw refuse("SESSION_INVALID", "header.size_bytes: a contribution is a safetensors file, and not empty", {
      field: "header.size_bytes",
    });
}

function weightOf(session: SessionRow, contributor: string, given: number | undefined): number {
  const field = "header.weight";
  if (session.weights !== null) {
    const weights = JSON.parse(session.weights) as { readonly [contributor: string]: number };
    const weight = Object.hasOwn(weights, contributor) ? weights[contributor] : undefined;
    if (weight === undefined) {
      throw refuse("CONTRIBUTOR_UNKNOWN", `${JSON.stringify(contributor)} is not among those who may contribute to this session`, {
        field: "header.contributor",
      });
    }
    if (given !== undefined && given !== weight) throw refuse("SESSION_INVALID", `${field}: the session says ${weight}`, { field });
    return weight;
  }
  if (given === undefined) return 1;
  if (session.method === "uniform" && given !== 1)
    throw refuse("SESSION_INVALID", `${field}: the session is uniform; leave it out`, { field });
  checkWeight(field, given);
  return given;
}

/** @throws RpcError SESSION_INVALID for a weight that exact sums cannot take */
export function checkWeight(field: string, weight: number): void {
  const magnitude = Math.abs(weight);
  if (weight === 0 || (magnitude >= 2 ** -600 && magnitude <= 2 ** 600)) return;
  throw refuse("SESSION_INVALID", `${field}: ${weight}; a weight is 0, or between 2^-600 and 2^600 in magnitude`, { field });
}
