import type { Attribute, Binding } from "#libs/tensorflow";

export type Attributes = ReturnType<typeof attributesOf>;

/** Makers of TensorFlow's attributes, by their kinds. */
export function attributesOf(binding: Binding) {
  const kind =
    (type: number) =>
    (name: string, value: unknown): Attribute => ({ name, type, value });
  const type = kind(binding.TF_ATTR_TYPE);
  return {
    text: kind(binding.TF_ATTR_STRING),
    /** A whole number, or a list of them. */
    integer: kind(binding.TF_ATTR_INT),
    float: kind(binding.TF_ATTR_FLOAT),
    flag: kind(binding.TF_ATTR_BOOL),
    shape: kind(binding.TF_ATTR_SHAPE),
    floats: (name = "T") => type(name, binding.TF_FLOAT),
    integers: (name: string) => type(name, binding.TF_INT32),
    bytes: (name: string) => type(name, binding.TF_UINT8),
  };
}
