import type { NetworkDefinition } from "../definition.ts";
import type { PythonModel } from "../python-model.ts";
import { INPUT, type Network } from "../types.ts";

/** A multilayer perceptron on all numbers of a picture, with ReLU: `fc1`, `fc2` … and `head`. Without hidden layers it is a linear classifier. */
export const mlp: NetworkDefinition = {
  name: "mlp",
  library: "ratatouille",
  input: { channels: 1, size: 28, mean: [0], deviation: [1] },
  options: { hidden: [256, 128] },
  head: "head",
  python,
  build: (net, { classes, input, options: { hidden = [] } }) => {
    let features = input.channels * input.height * input.width;
    let x = net.op({ op: "flatten", from: INPUT });
    for (const [i, width] of hidden.entries()) {
      x = net.op({ op: "relu", from: net.linear(`fc${i + 1}`, features, width)(x) });
      features = width;
    }
    net.linear("head", features, classes)(net.op({ op: "dropout", from: x }));
  },
};

function python({ classes, input, options: { hidden = [] } }: Network): PythonModel {
  const widths = [input.channels * input.height * input.width, ...hidden];
  const layers = hidden.map((width, i) => `    ("fc${i + 1}", nn.Linear(${widths[i]}, ${width})), ("relu${i + 1}", nn.ReLU()),`);
  const head = `    ("head", nn.Linear(${widths.at(-1)}, ${classes})),`;
  return {
    imports: ["from collections import OrderedDict", "", "from torch import nn"],
    lines: ["model = nn.Sequential(OrderedDict([", '    ("flatten", nn.Flatten()),', ...layers, head, "]))"],
  };
}
