/** Why a file of PyTorch is not read. Stable: callers and tests match on them. */
export type TorchFileRule =
  | "format" // it is no file of torch.save
  | "truncated" // it ends too early
  | "archive" // its zip archive is broken, or not as PyTorch writes it
  | "pickle" // its pickle is broken, or not as PyTorch writes it
  | "call" // it wants to call something that weights do not need
  | "storage" // a tensor and the bytes that it should be in do not fit
  | "tensor" // a tensor of a kind that is not read: sparse, quantised, complex with 128 bits
  | "no-tensors" // nothing in it is a dict of tensors
  | "ambiguous" // several dicts in it are
  | "limit"; // it asks for more than any model needs

/** A file of PyTorch that is not read. `message` is the end of a sentence that begins with the file's name. Nothing of it was run. */
export class TorchFileError extends Error {
  override readonly name = "TorchFileError";
  readonly rule: TorchFileRule;

  constructor(rule: TorchFileRule, message: string, options?: ErrorOptions) {
    super(message, options);
    this.rule = rule;
  }
}
