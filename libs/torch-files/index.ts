export { TorchFileError } from "./errors.ts";
export { gatherTensor, isContiguous } from "./gather.ts";
export { openTorchFile, type TorchFile, type TorchOptions, torchFormat } from "./torch-file.ts";
