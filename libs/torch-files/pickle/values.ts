import type { Dtype } from "#libs/tensors";

/** What a pickle can hold here: plain data, tensors, and names of what Python would have called. Nothing of it can do anything. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleDict
  | ReadonlySet<PickleValue>
  | Tuple
  | GlobalName
  | Inert
  | Storage
  | PickledTensor;

/** A dict, an OrderedDict, or another kind of dict. */
export type PickleDict = Map<PickleValue, PickleValue>;

export class Tuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** Something that is found by its name, such as `collections.OrderedDict`; it is on the allow-list. */
export class GlobalName {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What is of no use here and does no harm, such as a device, an array of NumPy or a date: only what it is called is kept. */
export class Inert {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** Bytes of tensors that lie outside of the pickle, in the file. */
export class Storage {
  readonly key: string;
  /** Undefined for an untyped one, whose tensors say their type themselves. */
  readonly dtype: Dtype | undefined;
  /** Elements, or bytes of an untyped one. */
  readonly length: number;
  /** Where it is a part of the storage with that key: its first element there. */
  readonly begin: number;

  constructor(key: string, dtype: Dtype | undefined, length: number, begin = 0) {
    this.key = key;
    this.dtype = dtype;
    this.length = length;
    this.begin = begin;
  }
}

/** A tensor: where in a storage its elements lie. All numbers count elements. */
export class PickledTensor {
  readonly storage: Storage;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: Storage, dtype: Dtype, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}
