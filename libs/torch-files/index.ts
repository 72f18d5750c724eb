export { TorchFileError } from "./errors.ts";
export { gatherTensor, isContiguous } from "./gather.ts";
export type { TorchOptions } from "./state-dict.ts";
export { openTorchFile, type TorchFile, torchFormat } from "./torch-file.ts";
