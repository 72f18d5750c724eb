import type { NetworkDefinition } from "../definition.ts";
import { INPUT } from "../types.ts";

/**
 * DomainBed's network for digits (`MNIST_CNN`, facebookresearch/DomainBed, domainbed/networks.py, MIT) and its linear classifier.
 * Pictures are not normalised.
 */
export const mnistCnn: NetworkDefinition = {
  name: "mnist-cnn",
  library: "domainbed",
  input: { channels: 1, size: 28, mean: [0], deviation: [1] },
  head: "classifier",
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
