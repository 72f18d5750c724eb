import { type NetworkBuilder, zeros } from "../build.ts";
import { imagenet, type NetworkDefinition, type Spelling } from "../definition.ts";
import { timmModel } from "../python-model.ts";
import { INPUT, type Init, type Value } from "../types.ts";

const EPSILON = 1e-6;
const stages = [
  { blocks: 3, width: 96 },
  { blocks: 3, width: 192 },
  { blocks: 9, width: 384 },
  { blocks: 3, width: 768 },
];

/** torchvision's names of the same network (torchvision/models/convnext.py): blocks and what halves between them take turns. */
const torchvision: Spelling = {
  by: "torchvision",
  rename: (name) => {
    const [, place, index, rest] = /^features\.(\d)\.(\d)\.(.+)$/.exec(name) ?? [];
    if (rest === undefined) return name.replace(/^classifier\.0\./, "head.norm.").replace(/^classifier\.2\./, "head.fc.");
    const stage = Number(place) >> 1;
    if (place === "0") return `stem.${index}.${rest}`;
    if (Number(place) % 2 === 0) return `stages.${stage}.downsample.${index}.${rest}`;
    const modules: Record<string, string> = { "block.0": "conv_dw", "block.2": "norm", "block.3": "mlp.fc1", "block.5": "mlp.fc2" };
    return `stages.${stage}.blocks.${index}.${rest.replace(/^layer_scale$/, "gamma").replace(/^block\.\d/, (module) => modules[module] ?? module)}`;
  },
};

/** timm's ConvNeXt (timm/models/convnext.py, Apache-2.0; Liu et al. 2022, arXiv 2201.03545). Its norms and linear layers work on the channels of each place. */
export const convnextTiny: NetworkDefinition = {
  name: "convnext_tiny",
  library: "timm",
  input: { channels: 3, size: 224, ...imagenet },
  head: "head.fc",
  spellings: [torchvision],
  python: timmModel,
  build: (net, { classes, input }) => {
    let channels = stages[0]!.width;
    const stem = net.conv2d("stem.0", input.channels, channels, { kernel: 4, stride: 4, init });
    const stemNorm = net.layerNorm("stem.1", channels, EPSILON);
    let x = stemNorm(stem(INPUT));

    for (const [stage, { blocks, width }] of stages.entries()) {
      if (stage > 0) {
        const norm = net.layerNorm(`stages.${stage}.downsample.0`, channels, EPSILON);
        const halve = net.conv2d(`stages.${stage}.downsample.1`, channels, width, { kernel: 2, stride: 2, init });
        x = halve(norm(x));
      }
      for (let i = 0; i < blocks; i += 1) x = block(net, `stages.${stage}.blocks.${i}`, x, width);
      channels = width;
    }

    const norm = net.layerNorm("head.norm", channels, EPSILON);
    const head = net.linear("head.fc", channels, classes, { init });
    x = norm(net.op({ op: "average", from: x }));
    head(net.op({ op: "dropout", from: x }));
  },
};

function block(net: NetworkBuilder, name: string, from: Value, width: number): Value {
  const gamma = net.weight(`${name}.gamma`, [width], { kind: "constant", value: 1e-6 });
  const depthwise = net.conv2d(`${name}.conv_dw`, width, width, { kernel: 7, padding: 3, groups: width, init });
  const norm = net.layerNorm(`${name}.norm`, width, EPSILON);
  const fc1 = net.linear(`${name}.mlp.fc1`, width, 4 * width, { init });
  const fc2 = net.linear(`${name}.mlp.fc2`, 4 * width, width, { init });

  const changed = fc2(net.op({ op: "gelu", from: fc1(norm(depthwise(from))) }));
  return net.op({ op: "add", from: net.op({ op: "scale", from: changed, weight: gamma }), other: from });
}

function init(): { weight: Init; bias: Init } {
  return { weight: { kind: "normal", deviation: 0.02 }, bias: zeros };
}
