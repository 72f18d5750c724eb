import { counted } from "#libs/text";
import { CatalogFault_Kind, CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { bytes } from "../../format.ts";
import { writeWrapped } from "../../write-wrapped.ts";

const kinds: { readonly [kind: number]: string } = {
  [CatalogFault_Kind.BLOB_CORRUPTED]: "blob-corrupted",
  [CatalogFault_Kind.BLOB_MISSING]: "blob-missing",
  [CatalogFault_Kind.MANIFEST]: "manifest",
  [CatalogFault_Kind.REFERENCE]: "reference",
};

/** `ratatouille fsck`: exit code 1 where anything is wrong. With --json one line for each fault and each progress, and the summary last. */
export async function fsck(options: GlobalOptions & { readonly resume?: string }, context: CommandContext): Promise<number> {
  const { signal, stdout, stderr } = context;
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  const say = (line: object) => stdout.write(`${JSON.stringify(line)}\n`);
  let faults = 0;
  let resume = options.resume ?? "";
  try {
    for await (const { event } of catalog.checkCatalog({ resumeToken: resume }, { signal, timeoutMs: 0 })) {
      if (event.case === "fault") {
        const { kind, digest, artifacts, message } = event.value;
        faults++;
        if (options.json) say({ fault: kinds[kind] ?? "other", digest, artifacts, message });
        else writeWrapped(stdout, `${message}${artifacts.length > 0 ? `; damaged: ${artifacts.join(", ")}` : ""}\n`);
      } else if (event.case === "progress") {
        resume = event.value.resumeToken;
        const { checkedBlobs, checkedBytes, checkedArtifacts } = event.value;
        if (options.json) say({ blobs: Number(checkedBlobs), bytes: Number(checkedBytes), artifacts: Number(checkedArtifacts), resume });
      } else if (event.case === "summary") {
        const { blobs, bytes: size, artifacts } = event.value;
        const what = `${counted(Number(blobs), "blob")}, ${bytes(Number(size))}, and ${counted(Number(artifacts), "artifact")}`;
        if (options.json) say({ done: true, blobs: Number(blobs), bytes: Number(size), artifacts: Number(artifacts), faults });
        else writeWrapped(stdout, `Checked ${what}: ${faults === 0 ? "all is well" : counted(faults, "fault")}.\n`);
      }
    }
  } catch (error) {
    if (resume !== "" && resume !== options.resume) writeWrapped(stderr, `ratatouille fsck --resume ${resume} goes on from here.\n`);
    throw error;
  }
  return faults === 0 ? 0 : 1;
}
