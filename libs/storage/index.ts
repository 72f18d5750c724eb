export { type Batcher, createBatcher } from "./batcher.ts";
export { blobPath, givenPath, isGivenName } from "./blob-layout.ts";
export { type BlobStat, type BlobStore, openBlobStore } from "./blob-store.ts";
export { openDatabase } from "./database.ts";
export { type Digest, isDigest, parseDigest } from "./digest.ts";
export { type DirectoryLock, type LockInfo, lockDirectory } from "./directory-lock.ts";
export {
  BlobMissingError,
  CorruptBlobError,
  DigestMismatchError,
  DirectoryLockedError,
  DirectoryNotUsableError,
  type Entrance,
  type LockOwner,
  NewerSchemaError,
  UploadMovedError,
  UploadTakenOverError,
} from "./errors.ts";
export { type Migration, sqlMigration } from "./migrations.ts";
export { readColumn } from "./read-column.ts";
export type { Database } from "./types.ts";
