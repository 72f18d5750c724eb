import { definitions } from "./registry.ts";
import type { Network } from "./types.ts";

/**
 * Python for model cards: makes the library's own model, as `model`, loads the weights into it, and says what it wants to see. It needs torch and
 * safetensors, and torchvision or timm where the network is theirs.
 * @param file the weights, safetensors
 */
export function pythonSnippet(network: Network, file: string): string {
  const { channels, height, width, mean, deviation } = network.input;
  const { imports, lines } = definitions.get(network.name)!.python(network);
  return [
    ...imports,
    "from safetensors.torch import load_file",
    "",
    ...lines,
    `model.load_state_dict(load_file(${JSON.stringify(file)}), strict=True)`,
    "model.eval()",
    "",
    `# Images [rows, ${channels}, ${height}, ${width}] of numbers from 0 to 1, minus mean, divided by std, per channel.`,
    `mean, std = [${mean.join(", ")}], [${deviation.join(", ")}]`,
    "",
  ].join("\n");
}
