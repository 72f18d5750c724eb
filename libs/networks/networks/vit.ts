import { type NetworkBuilder, zeros } from "../build.ts";
import { type NetworkDefinition, type Spelling, symmetric } from "../definition.ts";
import { timmModel } from "../python-model.ts";
import { INPUT, type Init, type Value } from "../types.ts";

const PATCH = 16;
const DEPTH = 12;
const EPSILON = 1e-6;

/** torchvision's names of the same network (torchvision/models/vision_transformer.py). Its images are normalised by ImageNet's mean. */
const torchvision: Spelling = {
  by: "torchvision, which normalises images otherwise",
  rename: (name) =>
    name
      .replace(/^class_token$/, "cls_token")
      .replace(/^encoder\.pos_embedding$/, "pos_embed")
      .replace(/^conv_proj\./, "patch_embed.proj.")
      .replace(/^encoder\.layers\.encoder_layer_(\d+)\./, "blocks.$1.")
      .replace(/\.ln_([12])\./, ".norm$1.")
      .replace(/\.self_attention\.in_proj_/, ".attn.qkv.")
      .replace(/\.self_attention\.out_proj\./, ".attn.proj.")
      .replace(/\.mlp\.(?:0|linear_1)\./, ".mlp.fc1.")
      .replace(/\.mlp\.(?:3|linear_2)\./, ".mlp.fc2.")
      .replace(/^encoder\.ln\./, "norm.")
      .replace(/^heads\.head\./, "head."),
};

/** timm's vision transformers (timm/models/vision_transformer.py, Apache-2.0; Dosovitskiy et al. 2020, arXiv 2010.11929). */
const variants = [
  { name: "vit_tiny_patch16_224", width: 192, heads: 3 },
  { name: "vit_small_patch16_224", width: 384, heads: 6 },
  { name: "vit_base_patch16_224", width: 768, heads: 12 },
];

export const vits: readonly NetworkDefinition[] = variants.map(({ name, width, heads }) => ({
  name,
  library: "timm",
  input: { channels: 3, size: 224, ...symmetric },
  patch: PATCH,
  head: "head",
  spellings: [torchvision],
  python: timmModel,
  build: (net, { classes, input }) => {
    const places = (input.height / PATCH) * (input.width / PATCH);
    const classToken = net.weight("cls_token", [1, 1, width], normal(1e-6));
    const positions = net.weight("pos_embed", [1, places + 1, width], normal(0.02));
    const patches = net.conv2d("patch_embed.proj", input.channels, width, { kernel: PATCH, stride: PATCH });
    let x = net.op({ op: "tokens", from: patches(INPUT) });
    x = net.op({ op: "class-token", from: x, weight: classToken });
    x = net.op({ op: "positions", from: x, weight: positions });

    for (let i = 0; i < DEPTH; i += 1) x = block(net, `blocks.${i}`, x, width, heads);

    const norm = net.layerNorm("norm", width, EPSILON);
    const head = linear(net, "head", width, classes);
    x = net.op({ op: "take-token", from: norm(x), index: 0 });
    head(net.op({ op: "dropout", from: x }));
  },
}));

function block(net: NetworkBuilder, name: string, from: Value, width: number, heads: number): Value {
  const norm1 = net.layerNorm(`${name}.norm1`, width, EPSILON);
  const qkv = linear(net, `${name}.attn.qkv`, width, 3 * width);
  const projection = linear(net, `${name}.attn.proj`, width, width);
  const norm2 = net.layerNorm(`${name}.norm2`, width, EPSILON);
  const fc1 = linear(net, `${name}.mlp.fc1`, width, 4 * width);
  const fc2 = linear(net, `${name}.mlp.fc2`, 4 * width, width);

  const attended = projection(net.op({ op: "attention", from: qkv(norm1(from)), heads }));
  const middle = net.op({ op: "add", from, other: attended });
  return net.op({ op: "add", from: middle, other: fc2(net.op({ op: "gelu", from: fc1(norm2(middle)) })) });
}

function linear(net: NetworkBuilder, name: string, inputs: number, outputs: number) {
  return net.linear(name, inputs, outputs, { init: () => ({ weight: normal(0.02), bias: zeros }) });
}

function normal(deviation: number): Init {
  return { kind: "normal", deviation };
}
