/** `npm run test:snippets`: runs the Python of model cards, with the real PyTorch, torchvision and timm. */
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { initialise, type Network, networkNames, networkOf, pythonSnippet } from "#libs/networks";
import { saveWeights } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";

const PACKAGES = "torch==2.15.0 torchvision==0.29.2 timm==1.0.31 safetensors==0.8.0";

const usage = `Usage: npm run test:snippets -- [options] [network …]

Makes the weights of each network, for 7 classes and pictures of other channels and another size than usual, and runs the Python that
model cards have for them: it loads every tensor, and gives logits.

Options:
  --python PATH   Python with ${PACKAGES} (python3)
  --help          print this`;

const { values, positionals } = parseArgs({
  options: { python: { type: "string", default: "python3" }, help: { type: "boolean", default: false } },
  allowPositionals: true,
});
process.exitCode = values.help ? print(usage) : await main(values.python, positionals.length > 0 ? positionals : networkNames());

async function main(python: string, names: readonly string[]): Promise<number> {
  await using folder = await temporaryDirectory();
  let failed = 0;
  for (const name of names) {
    for (const network of variants(name)) {
      const { channels, height } = network.input;
      const outcome = await runSnippet(python, network, join(folder.path, `${name}-${channels}-${height}`));
      if (outcome !== undefined) failed += 1;
      print(
        `${outcome === undefined ? "ok    " : "FAILED"} ${name}, ${channels} channels, ${height} pixels${outcome === undefined ? "" : `: ${outcome}`}`,
      );
    }
  }
  const count = names.flatMap(variants).length;
  print(`${count - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** The network as it usually is, and for other pictures. */
function variants(name: string): readonly Network[] {
  return [networkOf(name, { classes: 7 }), networkOf(name, { classes: 7, channels: 2, size: 64 })];
}

/** What went wrong, if anything did. */
async function runSnippet(python: string, network: Network, folder: string): Promise<string | undefined> {
  const { channels, height, width } = network.input;
  await mkdir(folder);
  await writeFile(join(folder, "model.safetensors"), saveWeights(initialise(network, 1)));
  const check = `
import torch as _torch
with _torch.no_grad():
    logits = model((_torch.rand(2, ${channels}, ${height}, ${width}) - _torch.tensor(mean).reshape(-1, 1, 1)) / _torch.tensor(std).reshape(-1, 1, 1))
assert logits.shape == (2, ${network.classes}), logits.shape
assert logits.isfinite().all()
`;
  try {
    await promisify(execFile)(python, ["-c", pythonSnippet(network, "model.safetensors") + check], { cwd: folder });
    return undefined;
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    if (/ModuleNotFoundError/.test(stderr)) return `${python} needs ${PACKAGES}`;
    return stderr.trim().split("\n").at(-1) || message;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
