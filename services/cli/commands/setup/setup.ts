import { UsageError } from "#libs/service";
import { probe, type SetupProgress, setupTensorflow, type Variant } from "#libs/tensorflow";
import { bytes } from "#libs/text";
import type { CommandContext } from "../../context.ts";
import { type Stream, writeWrapped } from "../../write-wrapped.ts";
import type { SetupTorchOptions } from "./torch.ts";

export type SetupCommandOptions = { readonly json?: boolean };

/** `ratatouille setup <what>`: TensorFlow into the user's cache, unless it is there. */
export async function setup(
  what: Variant,
  options: SetupCommandOptions & SetupTorchOptions,
  { signal, stdout, stderr }: CommandContext,
): Promise<number> {
  const unfit = options.cpu ? "--cpu" : options.python === undefined ? undefined : "--python";
  if (unfit) throw new UsageError(`${unfit} has no meaning with ${what}: it is for torch`);
  const progress = options.json ? undefined : progressTo(stderr);
  const { installed, before } = await setupTensorflow(what, { signal, ...(progress ? { onProgress: progress.show } : {}) }).finally(() =>
    progress?.end(),
  );
  const { version, folder } = installed;
  const accelerator = what === "tensorflow-gpu" ? await acceleratorOf(installed.binding, signal) : undefined;
  if (options.json) {
    stdout.write(`${JSON.stringify({ ...installed, before, ...(accelerator ? { accelerator } : {}) })}\n`);
    return 0;
  }
  writeWrapped(stdout, `TensorFlow ${version} ${before ? "is there already" : "is installed"}: ${bytes(installed.bytes)} in ${folder}\n`);
  if (accelerator && !accelerator.usable) {
    const notes = accelerator.notes.length > 0 ? `: ${accelerator.notes.join("; ")}` : "";
    writeWrapped(stdout, `It finds no GPU here, and the engine tfjs-node-gpu will not start${notes}\n`);
  }
  return 0;
}

async function acceleratorOf(binding: string, signal: AbortSignal): Promise<{ usable: boolean; notes: readonly string[] }> {
  const probed = await probe(binding, { signal });
  return "problem" in probed ? { usable: false, notes: [probed.problem] } : { usable: probed.accelerator, notes: probed.notes };
}

const STAGES = {
  waiting: "waiting for another setup to end",
  unpack: "unpacking",
  compile: "compiling the binding",
  try: "trying it",
};

/** Progress for people: one line that changes in a terminal, else a line for each tenth of the download and each stage. */
function progressTo(stream: Stream): { show(progress: SetupProgress): void; end(): void } {
  let last = "";
  return {
    show(progress) {
      const tenths = progress.stage === "download" ? Math.floor((10 * progress.bytes) / progress.totalBytes) : 0;
      const key = stream.isTTY && progress.stage === "download" ? bytes(progress.bytes) : `${progress.stage} ${tenths}`;
      if (key === last) return;
      last = key;
      const line =
        progress.stage === "download" ? `downloading: ${bytes(progress.bytes)} of ${bytes(progress.totalBytes)}` : STAGES[progress.stage];
      stream.write(stream.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
    },
    end() {
      if (stream.isTTY && last !== "") stream.write("\r\u001b[K");
    },
  };
}
