/** The rules that a safetensors file can break. Stable: callers and tests match on them. */
export type SafetensorsRule =
  | "file-too-short" // fewer than the 8 bytes of the header length
  | "header-over-limit" // the header length is above the limit
  | "header-past-end" // the header length reaches beyond the file
  | "header-start" // the header does not begin with "{"
  | "header-not-utf8"
  | "header-not-json"
  | "header-too-deep" // nested deeper than any header needs
  | "duplicate-name" // a key occurs twice in one object
  | "metadata" // `__metadata__` is not an object of strings
  | "entry" // a tensor's entry is not {dtype, shape, data_offsets}
  | "dtype" // unknown element type
  | "shape" // a dimension is not a whole number ≥ 0
  | "shape-overflow" // the number of elements is too large to be exact
  | "offsets" // the offsets are not two whole numbers, begin ≤ end
  | "size-mismatch" // end − begin is not what dtype and shape need
  | "data-past-end" // a tensor ends beyond the file
  | "overlap" // two tensors share bytes
  | "hole" // bytes before or between tensors belong to none
  | "trailing-bytes"; // bytes after the last tensor belong to none

/** A file that is not valid safetensors. `rule` says which rule it breaks; `message` says where. */
export class SafetensorsError extends Error {
  readonly rule: SafetensorsRule;

  constructor(rule: SafetensorsRule, message: string, options?: ErrorOptions) {
    super(`not a valid safetensors file (${rule}): ${message}`, options);
    this.name = "SafetensorsError";
    this.rule = rule;
  }
}

/** A tensor has another type of numbers than is computed with. */
export class TensorTypeError extends TypeError {
  override readonly name = "TensorTypeError";
}
