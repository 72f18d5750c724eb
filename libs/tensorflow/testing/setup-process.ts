// Sets TensorFlow up and writes what it does, to be killed in between.
import { setupTensorflow } from "../setup.ts";

await setupTensorflow("tensorflow", {
  onProgress: (progress) => void process.stdout.write(`${progress.stage}${progress.stage === "download" ? ` ${progress.file}` : ""}\n`),
});
