export { isAlive } from "./alive.ts";
export { makeDirectory, syncDirectory, syncFile } from "./durable.ts";
export { asWriteError, errorCode, hasErrorCode, NoSpaceError } from "./errors.ts";
export { type FileLock, LockedError, type LockOptions, lockFile } from "./lock.ts";
export { readAt, readFrom, writeAt, writeTo } from "./positions.ts";
export { type PublishOptions, publishFiles } from "./publish.ts";
export { replaceFile } from "./replace.ts";
export { type TemporaryFile, type TemporaryOptions, temporaryFor } from "./temporary.ts";
export { NotWritableError, requireWritable, whyNotWritten } from "./writable.ts";
