import { allPages } from "#libs/rpc";
import { UsageError } from "#libs/service";
import { quote } from "#libs/text";
import { CatalogService, type Ref } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { ago, columns, oneLine, short } from "../../format.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";

/** `ratatouille refs list` */
export async function listRefs(prefix: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const catalog = (await useTarget(context, options, "look")).channel.client(CatalogService);
  const found: Ref[] = [];
  for await (const { refs } of allPages((pageToken) => catalog.listRefs({ prefix, pageSize: 500, pageToken }, { signal: context.signal })))
    found.push(...refs);
  if (options.json) context.stdout.write(`${JSON.stringify(found.map(plain))}\n`);
  else if (found.length === 0) writeWrapped(context.stdout, "No refs.\n");
  else {
    const rows = found.flatMap(({ name, digest, history }) =>
      history.map(({ movedAt, reason }, i) => [
        i === 0 ? name : "",
        // Where it pointed after this move is where it pointed before the next one.
        short(i === 0 ? digest : history[i - 1]!.digest) || "deleted",
        ago(1000n * movedAt),
        oneLine(reason),
      ]),
    );
    context.stdout.write(columns(["ref", "digest", "moved", "reason"], rows, widthOf(context.stdout)));
  }
  return 0;
}

type MoveOptions = GlobalOptions & { readonly from?: string; readonly reason?: string };

/** `ratatouille refs move` and, without a target, `ratatouille refs delete` */
export async function moveRef(name: string, target: string | undefined, options: MoveOptions, context: CommandContext): Promise<number> {
  const { signal, stdout } = context;
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  const digestOf = async (artifact: string) => (await findNamed(artifact, catalog, signal)).digest;
  const to = target === undefined ? "" : await digestOf(target);
  const seen = (await catalog.listRefs({ prefix: name, pageSize: 1 }, { signal })).refs.find((ref) => ref.name === name)?.digest ?? "";
  if (target === undefined && seen === "") throw new UsageError(`there is no ref ${quote(name)}`);
  const from = options.from === undefined ? seen : await digestOf(options.from);
  const { ref } = await catalog.moveRef({ name, from, to, reason: options.reason ?? "" }, { signal });
  if (options.json && ref) stdout.write(`${JSON.stringify(plain(ref))}\n`);
  else
    writeWrapped(
      stdout,
      to === "" ? `${name} is deleted.\n` : `${name} is ${short(to)}${from === "" ? "" : `, and was ${short(from)}`}.\n`,
    );
  return 0;
}

function plain({ name, digest, history }: Ref) {
  return { name, digest, history: history.map(({ digest, reason, movedAt }) => ({ digest, reason, movedAtMs: 1000 * Number(movedAt) })) };
}
