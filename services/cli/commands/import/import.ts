import { type Digest, nameWord, readManifest } from "#libs/recipes";
import { Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { UsageError } from "#libs/service/process";
import { quote } from "#libs/text";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, useTarget } from "../../context.ts";
import { factLines } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";
import type { PreparedImport } from "./kind.ts";
import { importKinds } from "./kinds.ts";
import type { ImportOptions } from "./options.ts";

/** `ratatouille import PATH...`: nothing is stored before all of it has been looked at. */
export async function importPaths(paths: readonly string[], options: ImportOptions, context: CommandContext): Promise<number> {
  if (options.name !== undefined && paths.length > 1)
    throw new UsageError(`--name ${options.name} names one thing, and ${paths.length} are given: import them one by one`);
  if (options.name !== undefined && !isName(options.name))
    throw new UsageError(`--name ${quote(options.name)}: a name is words with slashes between them, such as vision/resnet50`);
  const prepared: PreparedImport[] = [];
  for (const path of paths) {
    for (const kind of importKinds) {
      if (!(await kind.takes(path))) continue;
      prepared.push(await kind.prepare(path, options, context));
      break;
    }
  }
  const { channel } = await useTarget(context, { ...options, trainers: 0 }, "start");
  const base = options.base === undefined ? undefined : await baseOf(options.base, channel, context.signal);
  const imported: object[] = [];
  for (const each of prepared) {
    const { digest, lines, facts } = await each.store(channel, base);
    const { name, before } = await named(digest, each, options, channel, context.signal);
    if (options.json) imported.push({ path: each.path, digest, name, ...facts, ...(base && { base }) });
    else {
      if (each !== prepared[0]) context.stdout.write("\n");
      const rows = [
        ...[["imported", each.path] as const, ["digest", digest] as const],
        ["name", before === "" ? name : `${name}, which was ${before}`] as const,
        ...lines,
        ["base", base ?? ""] as const,
      ];
      context.stdout.write(factLines(context.stdout, rows));
    }
  }
  if (options.json) context.stdout.write(`${JSON.stringify(imported)}\n`);
  return 0;
}

/** As the catalog has them, and with a slash, by which names are told from digests. */
function isName(name: string): boolean {
  return name.length <= 200 && /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)+$/.test(name);
}

/** @throws UsageError for what is no model; RpcError NOT_FOUND */
async function baseOf(name: string, channel: RpcChannel, signal: AbortSignal): Promise<Digest> {
  const { digest, kind } = readManifest((await findNamed(name, channel.client(CatalogService), signal)).manifest);
  if (kind !== "model") throw new UsageError(`--base ${name} is no model but a ${kind}`);
  return digest;
}

/**
 * Names what was imported, by which it is kept when garbage is collected. A name that was asked for is moved to it; one that nobody asked for
 * never takes the place of something else.
 * @returns the name, and the artifact that had it before
 */
async function named(
  digest: Digest,
  { word }: PreparedImport,
  { name: wanted }: ImportOptions,
  channel: RpcChannel,
  signal: AbortSignal,
): Promise<{ name: string; before: string }> {
  const catalog = channel.client(CatalogService);
  const short = `imported/${nameWord(word)}`;
  const long = `${short.slice(0, 150)}-${digest.slice("sha256:".length, "sha256:".length + 8)}`;
  for (const name of wanted === undefined ? [short, long] : [wanted]) {
    const before = await pointedTo(name, channel, signal);
    if (before === digest) return { name, before: "" };
    if (before !== "" && wanted === undefined && name !== long) continue;
    await catalog.moveRef({ name, from: before, to: digest, reason: "import" }, { signal });
    return { name, before };
  }
  throw new Error("there is always a last name");
}

async function pointedTo(name: string, channel: RpcChannel, signal: AbortSignal): Promise<string> {
  try {
    const { artifact } = await channel
      .client(CatalogService)
      .getArtifact({ name: { case: "ref", value: name }, includeDamaged: true }, { signal });
    return artifact?.digest ?? "";
  } catch (error) {
    if (isRpcError(error, Code.NOT_FOUND)) return "";
    throw error;
  }
}
