import { type Build, type SetupStage, SIZES, setupTorch } from "#libs/pytorch";
import { bytes } from "#libs/text";
import type { CommandContext } from "../../context.ts";
import { writeWrapped } from "../../write-wrapped.ts";

export type SetupTorchOptions = { readonly json?: boolean; readonly cpu?: boolean; readonly python?: string };

const STAGES: { readonly [S in SetupStage]: string } = {
  waiting: "waiting for another setup to end",
  environment: "making an environment of Python",
  packages: "installing torch, torchvision and timm",
  trainer: "installing the trainer",
  try: "trying it",
};

/** `ratatouille setup torch`: PyTorch and the trainer in Python into the user's cache, unless they are there. */
export async function setupTorchHere(options: SetupTorchOptions, { signal, stdout, stderr }: CommandContext): Promise<number> {
  const build: Build = options.cpu ? "cpu" : "cuda";
  let last = "";
  const onProgress = (stage: SetupStage) => {
    if (options.json || stage === last) return;
    last = stage;
    const { download, installed } = SIZES[build];
    const sizes = stage === "packages" ? `: about ${bytes(download)} to download, ${bytes(installed)} on the disk` : "";
    stderr.write(`${STAGES[stage]}${sizes}\n`);
  };
  const { installed, before } = await setupTorch({ build, python: options.python, signal, onProgress });
  if (options.json) {
    stdout.write(`${JSON.stringify({ ...installed, before })}\n`);
    return 0;
  }
  const { torch, torchvision, timm, python, gpus, trainer } = installed;
  const what = `PyTorch ${torch} with torchvision ${torchvision} and timm ${timm}`;
  writeWrapped(stdout, `${what} ${before ? "is there already" : "is ready"}: ${python}\n`);
  writeWrapped(stdout, gpus.length > 0 ? `It computes on ${gpus.join(", ")}\n` : "It finds no GPU here, and computes on the processor\n");
  stdout.write(`To start a trainer: ${trainer} torch --server HOST:PORT\n`);
  return 0;
}
