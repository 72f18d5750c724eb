const ORIENTATION = 0x112;
const HEADER_BYTES = 6;
const ENTRY_BYTES = 12;

/**
 * Whether EXIF data say that a picture is as it is stored, or nothing. False for what is not understood. Data that are no EXIF say nothing.
 * Source: EXIF 2.32, 4.6; TIFF 6.0, section 2.
 * @param segment of a JPEG, 32 bytes or more
 */
export function isUpright(segment: Uint8Array): boolean {
  if (Buffer.from(segment.buffer, segment.byteOffset, HEADER_BYTES).toString("latin1") !== "Exif\0\0") return true;
  const view = new DataView(segment.buffer, segment.byteOffset + HEADER_BYTES, segment.length - HEADER_BYTES);
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return false;
  const little = order === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return false;
  const entries = view.getUint16(directory, little);
  if (directory + 2 + ENTRY_BYTES * entries > view.byteLength) return false;
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + ENTRY_BYTES * entry;
    if (view.getUint16(at, little) === ORIENTATION) return view.getUint16(at + 2, little) === 3 && view.getUint16(at + 8, little) === 1;
  }
  return true;
}
