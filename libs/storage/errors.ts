import type { Digest } from "./digest.ts";

/** No blob with this digest is stored. */
export class BlobMissingError extends Error {
  override readonly name = "BlobMissingError";
  readonly digest: Digest;
  constructor(digest: Digest, options?: ErrorOptions) {
    super(`no blob ${digest}`, options);
    this.digest = digest;
  }
}

/** The stored bytes do not have the digest they are stored under. */
export class CorruptBlobError extends Error {
  override readonly name = "CorruptBlobError";
  readonly digest: Digest;
  constructor(digest: Digest, actual: Digest) {
    super(`blob ${digest} is corrupted: its bytes have the digest ${actual}`);
    this.digest = digest;
  }
}

/** Bytes that were to be stored have another digest or size than announced. Nothing was kept. */
export class DigestMismatchError extends Error {
  override readonly name = "DigestMismatchError";
  /** What did not agree. */
  readonly field: "digest" | "size";
  constructor(field: "digest" | "size", expected: string | number, actual: string | number) {
    super(`the bytes have the ${field} ${actual}, announced was ${expected}`);
    this.field = field;
  }
}

/** An upload that stood still gave way to another one of the same blob. */
export class UploadTakenOverError extends Error {
  override readonly name = "UploadTakenOverError";
  constructor(digest: Digest) {
    super(`another upload of the same blob ${digest} goes on with it, as this one stood still`);
  }
}

/** An upload was to go on behind bytes that are not here. */
export class UploadMovedError extends Error {
  override readonly name = "UploadMovedError";
  /** How many are here. */
  readonly received: number;
  constructor(digest: Digest, received: number, offset: number) {
    super(`of blob ${digest} ${received} bytes are here, and the upload was to go on at ${offset}`);
    this.received = received;
  }
}

/** The database was written by a newer program. */
export class NewerSchemaError extends Error {
  override readonly name = "NewerSchemaError";
  constructor(path: string, found: number, known: number) {
    super(
      `${path} has schema ${found}, this program knows schemas up to ${known}: use the newer program that wrote it, or another data directory`,
    );
  }
}

/** The directory cannot be written by this user, or belongs to another one. */
export class DirectoryNotUsableError extends Error {
  override readonly name = "DirectoryNotUsableError";
  readonly directory: string;
  constructor(directory: string, why: string, options?: ErrorOptions) {
    super(`cannot use the data directory ${directory}: ${why}`, options);
    this.directory = directory;
  }
}

/** A door for those who may read the directory: where, and the token that opens it. */
export type Entrance = { readonly address: string; readonly token: string };

/** Who holds a directory, as the holder wrote it beside the lock. */
export type LockOwner = {
  readonly pid: number;
  readonly command: string;
  /** Where the holder listens, if it does. */
  readonly address?: string;
  readonly version?: string;
  readonly entrance?: Entrance;
};

/** Another process holds the directory. The owner is undefined if the holder has not written who it is. */
export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
  readonly directory: string;
  readonly pid: number | undefined;
  readonly command: string | undefined;
  readonly address: string | undefined;
  readonly version: string | undefined;
  /** Not a property of its own: what is logged of an error must not hold the token. */
  readonly #entrance: Entrance | undefined;
  constructor(directory: string, owner: LockOwner | undefined) {
    const who = owner ? `process ${owner.pid} (${owner.command})` : "another process";
    const where = owner?.address ? `, which listens on ${owner.address}` : "";
    super(`the data directory ${directory} is in use by ${who}${where}`);
    this.directory = directory;
    this.pid = owner?.pid;
    this.command = owner?.command;
    this.address = owner?.address;
    this.version = owner?.version;
    this.#entrance = owner?.entrance;
  }

  /** How the holder lets others in, if it does. */
  get entrance(): Entrance | undefined {
    return this.#entrance;
  }
}
