import assert from "node:assert/strict";
import { test } from "node:test";
import { networkNames, networkOf, pythonSnippet } from "./index.ts";

test("a model of torchvision is made with another first convolution where the pictures have other channels", () => {
  assert.equal(
    pythonSnippet(networkOf("resnet18", { classes: 7, channels: 2, size: 64 }), "model.safetensors"),
    `import torch
import torchvision
from safetensors.torch import load_file

model = torchvision.models.resnet18(num_classes=7)
model.conv1 = torch.nn.Conv2d(2, 64, 7, stride=2, padding=3, bias=False)
model.load_state_dict(load_file("model.safetensors"), strict=True)
model.eval()

# Images [rows, 2, 64, 64] of numbers from 0 to 1, minus mean, divided by std, per channel.
mean, std = [0.485, 0.456], [0.229, 0.224]
`,
  );
});

test("each library's model is made with what differs from its own", () => {
  const lines = {
    resnet50: "torchvision.models.resnet50(num_classes=3)",
    vit_tiny_patch16_224: 'timm.create_model("vit_tiny_patch16_224", num_classes=3, in_chans=1, img_size=64)',
    convnext_tiny: 'timm.create_model("convnext_tiny", num_classes=3, in_chans=1)',
  };
  for (const [name, line] of Object.entries(lines)) {
    const snippet = pythonSnippet(
      networkOf(name, { classes: 3, size: 64, ...(name === "resnet50" ? {} : { channels: 1 }) }),
      "w.safetensors",
    );
    assert.ok(snippet.includes(`\nmodel = ${line}\n`), snippet);
  }
});

test("every network has a snippet that names its file", () => {
  for (const name of networkNames())
    assert.match(
      pythonSnippet(networkOf(name, { classes: 2 }), "w.safetensors"),
      /^model\.load_state_dict\(load_file\("w\.safetensors"\), strict=True\)$/m,
    );
});
