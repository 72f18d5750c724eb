import type { NetworkDefinition } from "../definition.ts";
import type { PythonModel } from "../python-model.ts";
import { INPUT, type Network } from "../types.ts";

/**
 * DomainBed's network for digits (`MNIST_CNN`, facebookresearch/DomainBed, domainbed/networks.py, MIT) and its linear classifier.
 * Pictures are not normalised.
 */
export const mnistCnn: NetworkDefinition = {
  name: "mnist-cnn",
  library: "domainbed",
  input: { channels: 1, size: 28, mean: [0], deviation: [1] },
  head: "classifier",
  python,
  build: (net, { classes, input }) => {
    const convolutions = [
      net.conv2d("conv1", input.channels, 64, { kernel: 3, padding: 1 }),
      net.conv2d("conv2", 64, 128, { kernel: 3, stride: 2, padding: 1 }),
      net.conv2d("conv3", 128, 128, { kernel: 3, padding: 1 }),
      net.conv2d("conv4", 128, 128, { kernel: 3, padding: 1 }),
    ];
    const norms = [64, 128, 128, 128].map((channels, i) => net.groupNorm(`bn${i}`, 8, channels));
    const classifier = net.linear("classifier", 128, classes);

    let x = INPUT;
    convolutions.forEach((convolution, i) => {
      x = norms[i]!(net.op({ op: "relu", from: convolution(x) }));
    });
    x = net.op({ op: "average", from: x });
    classifier(net.op({ op: "dropout", from: x }));
  },
};

function python({ classes, input }: Network): PythonModel {
  const lines = `class MnistCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(${input.channels}, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 128, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(128, 128, 3, padding=1)
        self.conv4 = nn.Conv2d(128, 128, 3, padding=1)
        self.bn0, self.bn1 = nn.GroupNorm(8, 64), nn.GroupNorm(8, 128)
        self.bn2, self.bn3 = nn.GroupNorm(8, 128), nn.GroupNorm(8, 128)
        self.classifier = nn.Linear(128, ${classes})

    def forward(self, x):
        for i in range(4):
            x = getattr(self, f"bn{i}")(torch.relu(getattr(self, f"conv{i + 1}")(x)))
        return self.classifier(x.mean((2, 3)))


model = MnistCnn()`;
  return { imports: ["import torch", "from torch import nn"], lines: lines.split("\n") };
}
