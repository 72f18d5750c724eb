/** Pictures that go through a network together. */
export type Batch = {
  /** [rows, height, width, channels], not normalised. */
  readonly pixels: Uint8Array;
  /** [rows], the class of each. */
  readonly labels: Int32Array;
  readonly rows: number;
};

/** The batches of a training. */
export type BatchSource = AsyncDisposable & {
  /** The batch of a step. Steps are asked for one after another; those that come next are made meanwhile. */
  batch(step: number): Promise<Batch>;
};

/** What a network takes. */
export type PictureShape = {
  /** 1 is grey, 3 red, green and blue, 2 the first two of these. */
  readonly channels: 1 | 2 | 3;
  readonly height: number;
  readonly width: number;
};

/** Where the file of an image is: bytes of a file of this machine. */
export type FilePart = { readonly path: string; readonly offset: number; readonly bytes: number };

/** Images that batches are made of, by row. */
export type ImageRows = {
  /** The class of each row. */
  readonly labels: Int32Array;
  fileOf(row: number): FilePart;
  /** What messages call it: "sketch/dog/12.png". */
  nameOf(row: number): string;
};

/** The random numbers of one picture: those of the seed for augmentation at this place. See docs/images.md. */
export type Draw = { readonly seed: number; readonly place: readonly [number, number, number] };
