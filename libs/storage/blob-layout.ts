import { join } from "node:path";
import { digestHex } from "./digest.ts";

/** Names of files that others on this machine give to a store. */
const GIVEN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.given$/;

export const blobsDirectory = (directory: string) => join(directory, "sha256");
export const incomingDirectory = (directory: string) => join(directory, "incoming");

/** The file of a blob in the directory of a store, whether it exists or not. */
export function blobPath(directory: string, digest: string): string {
  const hex = digestHex(digest);
  return join(blobsDirectory(directory), hex.slice(0, 2), hex);
}

/** True for a UUID and ".given". */
export function isGivenName(name: string): boolean {
  return GIVEN.test(name);
}

/** Where somebody on this machine puts a file that shall become a blob. @throws RangeError for another name than `isGivenName` takes */
export function givenPath(directory: string, name: string): string {
  if (!isGivenName(name)) throw new RangeError(`${JSON.stringify(name)} is no UUID with ".given" behind it`);
  return join(incomingDirectory(directory), name);
}
