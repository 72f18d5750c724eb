// Loads a Node-API module of TensorFlow, has it compute max(x, 0), and says what it is.
import { loadBinding } from "./binding.ts";

const binding = loadBinding(process.argv[2] ?? "");
const x = binding.createTensor([2], binding.TF_FLOAT, Float32Array.of(-1, 2));
const [y] = binding.executeOp("Relu", [{ name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }], [x], 1);
if (!y || binding.tensorDataSync(y.id).join() !== "0,2") throw new Error("TensorFlow computes wrong numbers");
process.stdout.write(`${JSON.stringify({ version: binding.TF_Version, accelerator: binding.isUsingGpuDevice() })}\n`);
