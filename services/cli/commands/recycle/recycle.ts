import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { type Report, renderProcesses, renderTable } from "#libs/reporting";
import { type RpcChannel, unavailable } from "#libs/rpc";
import { UsageError } from "#libs/service";
import { inSpan } from "#libs/telemetry";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { fileProblem } from "../../file-problem.ts";
import { createDisplay, displayMode } from "../../render/index.ts";
import { requireWritableFolder } from "../../writable-output.ts";
import { writeOutput } from "../../write-output.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";
import { follow } from "./follow.ts";
import { prepareRun } from "./prepare.ts";

export type RecycleOptions = GlobalOptions & {
  readonly out?: string;
  readonly quiet?: boolean;
  readonly dryRun?: boolean;
  readonly all?: boolean;
};

/** `ratatouille recycle FILE`: runs a run file, or goes on with it, and writes the report. */
export async function recycle(file: string, options: RecycleOptions, context: CommandContext): Promise<number> {
  const { stdout, stderr, signal } = context;
  if (options.all && !options.dryRun) throw new UsageError("--all is for --dry-run: it lists every training that a run would do");
  const prepared = await prepareRun(await readRunFile(file), file, context);
  if (options.dryRun) return (await import("./dry-run.ts")).dryRun(prepared, options, context);
  const out = options.out ?? join("out", prepared.name);
  await requireWritableFolder(out);
  const display = createDisplay(options.json ? stdout : stderr, displayMode(stderr, options), { notes: stderr });
  context.stack.defer(() => display.close());
  return inSpan("ratatouille recycle", { "ratatouille.run.file": file }, async () => {
    const target = await useTarget(context, options, "start");
    const artifacts = createArtifacts(target.channel);
    const recycling = target.channel.client(RecyclingService);
    const spec = await prepared.specify(artifacts, signal, { stream: stderr, quiet: options.quiet === true || options.json === true });
    const { run } = await recycling.startRun({ spec }, { signal });
    if (!run) throw unavailable("the server answered without a run");
    try {
      await Promise.race([follow(run.id, { channel: target.channel, display, signal, embedded: target.embedded }), target.broken]);
    } catch (error) {
      if (signal.aborted) {
        display.close();
        writeWrapped(stderr, `${interrupted(file, run.id, target.embedded, target.address, options)}\n`);
      }
      throw error;
    }
    display.close();
    const report = await fetchReport(run.id, target.channel, signal);
    await writeOutput(out, report, prepared, artifacts, signal);
    const { results, warnings, sentences, timings } = report;
    const { processes = [] } = timings;
    if (options.json) stdout.write(`${JSON.stringify({ event: "report", out, results, warnings, sentences, processes })}\n`);
    else {
      const lines = (texts: readonly string[]) => texts.map((text) => `${text}\n`).join("");
      const rest = lines(sentences.slice(warnings.length));
      writeWrapped(
        stdout,
        `${lines(warnings)}${warnings.length > 0 ? "\n" : ""}${renderTable(report, widthOf(stdout))}\n${rest}\n${renderProcesses(processes)}\n${join(out, "report.html")}\n`,
      );
    }
    return 0;
  });
}

async function readRunFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new UsageError(`cannot read the run file ${file}: ${fileProblem(cause)}`, { cause });
  }
}

/** The report of a run that succeeded. */
export async function fetchReport(id: string, channel: RpcChannel, signal: AbortSignal): Promise<Report> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const { chunk } of channel.client(RecyclingService).getReport({ id }, { signal, timeoutMs: 0, idleTimeoutMs: 120_000 })) {
    text += decoder.decode(chunk, { stream: true });
  }
  return JSON.parse(text + decoder.decode()) as Report;
}

function interrupted(file: string, id: string, embedded: boolean, address: string, { data, out }: RecycleOptions): string {
  const again = ["ratatouille", "recycle", file, ...(data === ".ratatouille" ? [] : ["--data", data]), ...(out ? ["--out", out] : [])].join(
    " ",
  );
  return embedded
    ? `Stopped. Nothing is lost: the same command goes on where it stopped.\n  ${again}`
    : `The run goes on at ${address}. To see it:   ratatouille runs watch ${id}\nTo stop it:   ratatouille runs cancel ${id}`;
}
