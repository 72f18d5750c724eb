import type { Network } from "./types.ts";

/** Lines of Python that make a network as `model`, and what they import. */
export type PythonModel = { readonly imports: readonly string[]; readonly lines: readonly string[] };

/** A model of torchvision, with another first convolution where the pictures have other channels. */
export function torchvisionModel({ name, classes, input, graph, tensors }: Network): PythonModel {
  const lines = [`model = torchvision.models.${name}(num_classes=${classes})`];
  const first = graph[0];
  if (input.channels === 3 || first?.op !== "conv2d") return { imports: ["import torchvision"], lines };
  const [outputs, , kernel] = tensors.find((tensor) => tensor.name === first.weight)!.shape;
  const options = `${kernel}, stride=${first.stride}, padding=${first.padding}, bias=${first.bias === undefined ? "False" : "True"}`;
  lines.push(`model.${first.weight.replace(/\.weight$/, "")} = torch.nn.Conv2d(${input.channels}, ${outputs}, ${options})`);
  return { imports: ["import torch", "import torchvision"], lines };
}

/** A model of timm. Only networks with positions are made for one size. */
export function timmModel({ name, classes, input, graph }: Network): PythonModel {
  const options = [JSON.stringify(name), `num_classes=${classes}`];
  if (input.channels !== 3) options.push(`in_chans=${input.channels}`);
  if (graph.some(({ op }) => op === "positions")) options.push(`img_size=${input.height}`);
  return { imports: ["import timm"], lines: [`model = timm.create_model(${options.join(", ")})`] };
}
