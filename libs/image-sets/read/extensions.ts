/** Extensions of images that can be decoded, in lower case, by what is stored under them. */
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["jpg", "jpg"],
  ["jpeg", "jpg"],
  ["jpe", "jpg"],
  ["jfif", "jpg"],
  ["png", "png"],
  ["webp", "webp"],
  ["gif", "gif"],
  ["tif", "tiff"],
  ["tiff", "tiff"],
  ["avif", "avif"],
]);

/** Extensions of images that nothing here decodes. */
const FOREIGN = new Set(["bmp", "heic", "heif", "jp2", "jxl", "svg", "psd", "tga", "ppm", "pgm", "dng", "cr2", "nef"]);

/**
 * The extension under which an image is stored, of the name that it has; undefined where the name is not that of an image.
 * @example
 * ```ts
 * storedExtension("Cat.JPEG"); // "jpg"
 * storedExtension("notes.txt"); // undefined
 * ```
 */
export function storedExtension(name: string): string | undefined {
  return EXTENSIONS.get(extensionOf(name));
}

/** Whether a name is that of an image in a format that cannot be read: it should not be left out without a word of its own. */
export function isForeignImage(name: string): boolean {
  return FOREIGN.has(extensionOf(name));
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}
