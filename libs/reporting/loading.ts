import { type Network, pythonSnippet } from "#libs/networks";

/** How a model is loaded: for its card. */
export type Loading = {
  /** As the hub calls it. */
  readonly library: string;
  /** Markdown: Python, and what goes in and comes out. */
  readonly text: string;
  /** Only those who have trained it know how it is run. */
  readonly foreign?: true;
  /** Its inputs are no images. */
  readonly records?: true;
};

/** How the perceptron of the digits benchmark is loaded, with the numbers of its inputs, hidden layers and classes. */
export function perceptronLoading({
  features,
  hidden,
  classes,
}: {
  readonly features: number;
  readonly hidden: readonly number[];
  readonly classes: number;
}): Loading {
  const widths = [features, ...hidden];
  const layers = hidden.map((width, i) => `    ("fc${i + 1}", nn.Linear(${widths[i]}, ${width})), ("relu${i + 1}", nn.ReLU()),`);
  return {
    library: "pytorch",
    text: `\`\`\`python
from collections import OrderedDict

from safetensors.torch import load_file
from torch import nn

model = nn.Sequential(OrderedDict([
${layers.join("\n")}
    ("head", nn.Linear(${widths.at(-1)}, ${classes})),
]))
model.load_state_dict(load_file("model.safetensors"))
model.eval()
\`\`\`

Input: ${features} numbers an image, grey values from 0 to 1, row by row. Output: ${classes} logits.`,
  };
}

/**
 * How a network is loaded in the library that has it.
 * @param classes names, in the order of the logits.
 * @param images what is done to an image before its numbers go in, in words; nothing where it has the network's size.
 * @example
 * ```ts
 * import { networkOf } from "#libs/networks";
 * const { library, text } = networkLoading(networkOf("vit_tiny_patch16_224", { classes: 2 }), ["jay", "owl"]);
 * library; // "timm"
 * text.split("\n").at(-1); // "Output: 2 logits, of `jay`, `owl`."
 * ```
 */
export function networkLoading(network: Network, classes: readonly string[], images = ""): Loading {
  const names = classes.map((name) => `\`${name.replaceAll("`", "'")}\``).join(", ");
  return {
    library: network.library === "timm" ? "timm" : "pytorch",
    text: `\`\`\`python\n${pythonSnippet(network, "model.safetensors").trimEnd()}\n\`\`\`\n\n${images ? `Input: an image, ${images}.\n\n` : ""}Output: ${classes.length} logits, of ${names}.`,
  };
}

/** What is known of a network that only its trainer knows. @param of what goes in */
export function unknownLoading(network: string, classes: readonly string[], of: "images" | "records" = "images"): Loading {
  const names = classes.map((name) => `\`${name.replaceAll("`", "'")}\``).join(", ");
  return {
    library: "safetensors",
    text: `\`model.safetensors\` has the weights of ${network}, by the names that its trainer gave them: who has trained it knows how it is run.\n\nInput: ${of === "images" ? "an image" : "a record, as the data have it"}. Output: ${classes.length} logits, of ${names}.`,
    foreign: true,
    ...(of === "records" ? { records: true } : {}),
  };
}
