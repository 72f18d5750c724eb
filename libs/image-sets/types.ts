/** Where the bytes of an image are: in a file, or made when they are asked for. */
export type ImageContent = { readonly path: string } | { readonly make: () => Uint8Array };

/** One image of a set. */
export type LabelledImage = {
  readonly domain: string;
  readonly class: string;
  /** What it is called within its class, with "/" between folders: "img_001.jpg". The extension says the format. */
  readonly name: string;
  /** What it shows, where somebody says; see itemOfRow. */
  readonly item?: string | undefined;
  readonly content: ImageContent;
};

/** The images of one class in one domain. */
export type ImageGroup = {
  readonly domain: string;
  readonly class: string;
  /** In the order of code units, each once. */
  readonly names: readonly string[];
  contentOf(name: string): ImageContent;
  /** What an image shows, where a list says so. */
  readonly items?: ReadonlyMap<string, string>;
};

/** How a set of images lies in a folder. */
export type ImageSet = {
  readonly path: string;
  /** In the order of code units. */
  readonly domains: readonly string[];
  /** Those that have images, in the order of code units or of `classes.txt`. Classes of one name are one, whatever their domain. */
  readonly classes: readonly string[];
  /** By domain, then by class. Groups without images are left out. */
  readonly groups: readonly ImageGroup[];
  /** What is wrong with the folder. An error makes the set unusable. */
  readonly problems: readonly Problem[];
};

/** What kinds of problems there are. */
export type ProblemKind =
  | "no-domains"
  | "one-domain"
  | "images-in-root"
  | "images-in-domain"
  | "empty-domain"
  | "no-images"
  | "class-missing"
  | "small-class"
  | "similar-names"
  | "name"
  | "link"
  | "left-out"
  | "labels"
  | "unknown-class"
  | "missing-file"
  | "duplicate-row"
  | "unlabelled"
  | "idx"
  | "empty-file"
  | "not-an-image"
  | "cut-short"
  | "unreadable"
  | "too-many-pixels"
  | "size"
  | "equal-images"
  | "similar-images"
  | "shared-items"
  | "repeated-items"
  | "line"
  | "mixed"
  | "no-records"
  | "equal-records";

/** Something wrong, in one sentence. Errors make a set unusable; warnings do not. */
export type Problem = {
  readonly severity: "error" | "warning";
  readonly kind: ProblemKind;
  readonly message: string;
};
