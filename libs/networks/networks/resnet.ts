import type { ConvolutionOptions, NetworkBuilder } from "../build.ts";
import { zeros } from "../build.ts";
import { imagenet, type NetworkDefinition } from "../definition.ts";
import { torchvisionModel } from "../python-model.ts";
import { INPUT, type Value } from "../types.ts";

/** Blocks per stage, and whether they are bottlenecks (torchvision/models/resnet.py, BSD-3; He et al. 2015, arXiv 1512.03385). */
const variants = [
  { name: "resnet18", blocks: [2, 2, 2, 2], bottleneck: false },
  { name: "resnet34", blocks: [3, 4, 6, 3], bottleneck: false },
  { name: "resnet50", blocks: [3, 4, 6, 3], bottleneck: true },
  { name: "resnet101", blocks: [3, 4, 23, 3], bottleneck: true },
];

/** torchvision's residual networks. A bottleneck has its stride in the 3×3 convolution ("V1.5"). */
export const resnets: readonly NetworkDefinition[] = variants.map(({ name, blocks, bottleneck }) => ({
  name,
  library: "torchvision",
  input: { channels: 3, size: 224, ...imagenet },
  head: "fc",
  python: torchvisionModel,
  build: (net, { classes, input }) => {
    const stem = net.conv2d("conv1", input.channels, 64, convolution(7, 2));
    const norm = net.batchNorm("bn1", 64);
    let x = net.op({ op: "relu", from: norm(stem(INPUT)) });
    x = net.op({ op: "max-pool", from: x, kernel: 3, stride: 2, padding: 1 });

    const block = bottleneck ? bottleneckBlock : basicBlock;
    let channels = 64;
    let width = 64;
    blocks.forEach((count, stage) => {
      if (stage > 0) width *= 2;
      const outputs = bottleneck ? 4 * width : width;
      for (let i = 0; i < count; i += 1) {
        const stride = i === 0 && stage > 0 ? 2 : 1;
        x = block(net, `layer${stage + 1}.${i}`, x, { channels, width, outputs, stride });
        channels = outputs;
      }
    });

    const classifier = net.linear("fc", channels, classes);
    x = net.op({ op: "average", from: x });
    classifier(net.op({ op: "dropout", from: x }));
  },
}));

type Block = { readonly channels: number; readonly width: number; readonly outputs: number; readonly stride: number };

function basicBlock(net: NetworkBuilder, name: string, from: Value, block: Block): Value {
  const { channels, width, stride } = block;
  const conv1 = net.conv2d(`${name}.conv1`, channels, width, convolution(3, stride));
  const bn1 = net.batchNorm(`${name}.bn1`, width);
  const conv2 = net.conv2d(`${name}.conv2`, width, width, convolution(3, 1));
  const bn2 = net.batchNorm(`${name}.bn2`, width);
  return residual(net, name, from, block, bn2(conv2(relu(net, bn1(conv1(from))))));
}

function bottleneckBlock(net: NetworkBuilder, name: string, from: Value, block: Block): Value {
  const { channels, width, outputs, stride } = block;
  const conv1 = net.conv2d(`${name}.conv1`, channels, width, convolution(1, 1));
  const bn1 = net.batchNorm(`${name}.bn1`, width);
  const conv2 = net.conv2d(`${name}.conv2`, width, width, convolution(3, stride));
  const bn2 = net.batchNorm(`${name}.bn2`, width);
  const conv3 = net.conv2d(`${name}.conv3`, width, outputs, convolution(1, 1));
  const bn3 = net.batchNorm(`${name}.bn3`, outputs);
  return residual(net, name, from, block, bn3(conv3(relu(net, bn2(conv2(relu(net, bn1(conv1(from)))))))));
}

/** Adds what entered the block, brought to the output's shape where that is another. */
function residual(net: NetworkBuilder, name: string, from: Value, { channels, outputs, stride }: Block, other: Value): Value {
  if (stride === 1 && channels === outputs) return relu(net, net.op({ op: "add", from: other, other: from }));
  const projection = net.conv2d(`${name}.downsample.0`, channels, outputs, convolution(1, stride));
  const norm = net.batchNorm(`${name}.downsample.1`, outputs);
  return relu(net, net.op({ op: "add", from: other, other: norm(projection(from)) }));
}

function relu(net: NetworkBuilder, from: Value): Value {
  return net.op({ op: "relu", from });
}

/** A convolution without bias, whose weights start normal with variance 2 / (outputs · kernel²). */
function convolution(kernel: number, stride: number): ConvolutionOptions {
  return {
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    bias: false,
    init: ([outputs = 1]) => ({ weight: { kind: "normal", deviation: Math.sqrt(2 / (outputs * kernel * kernel)) }, bias: zeros }),
  };
}
