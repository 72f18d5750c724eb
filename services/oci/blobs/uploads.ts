import { randomUUID } from "node:crypto";
import { after, type Timer } from "#libs/concurrency";
import type { Digest } from "#libs/recipes";
import type { Catalog } from "../catalog.ts";
import { ociError } from "../errors.ts";
import { createPipe, type Pipe } from "./pipe.ts";
import type { ByteRange } from "./ranges.ts";
import { storeBlob } from "./store-blob.ts";

/** A blob that comes in several requests. What has come is in the catalog's incoming files already. */
export type Upload = {
  readonly id: string;
  readonly repository: string;
  /** Bytes that have come. */
  readonly received: number;
  /**
   * Takes the next bytes.
   * @param range where they belong, if the caller says so
   * @throws HttpError 416 where they do not follow what has come, or another request is sending; 400 where there are more or fewer
   */
  append(chunks: AsyncIterable<Uint8Array>, range: ByteRange | undefined): Promise<void>;
  /** Takes the last bytes and stores the blob. @throws HttpError as append, and 400 DIGEST_INVALID */
  finish(chunks: AsyncIterable<Uint8Array>, range: ByteRange | undefined, digest: Digest): Promise<void>;
};

/** The uploads of this process; they end with it, and clients begin again. */
export type Uploads = Disposable & {
  begin(repository: string): Upload;
  /** @throws HttpError 404 BLOB_UPLOAD_UNKNOWN */
  get(repository: string, id: string): Upload;
  cancel(upload: Upload): void;
};

/** An upload that nobody goes on with is forgotten. */
const EXPIRES_MS = 3_600_000;
const MOST_UPLOADS = 10_000;

/** No uploads yet. */
export function createUploads(catalog: Catalog, { expiresMs = EXPIRES_MS } = {}): Uploads {
  const open = new Map<string, Upload & { drop(): void }>();
  return {
    begin(repository) {
      if (open.size >= MOST_UPLOADS) throw ociError(429, "TOOMANYREQUESTS", `${MOST_UPLOADS} uploads are open; finish or cancel some`);
      const upload = createUpload(catalog, repository, expiresMs, (id) => open.delete(id));
      open.set(upload.id, upload);
      return upload;
    },
    get(repository, id) {
      const upload = open.get(id);
      if (upload?.repository === repository) return upload;
      throw ociError(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload: it ended, or this server has started since; begin it again");
    },
    cancel: ({ id }) => open.get(id)?.drop(),
    [Symbol.dispose]() {
      for (const upload of [...open.values()]) upload.drop();
    },
  };
}

function createUpload(catalog: Catalog, repository: string, expiresMs: number, forget: (id: string) => void): Upload & { drop(): void } {
  const id = randomUUID();
  const stop = new AbortController();
  let received = 0;
  let busy = false;
  /** Begun with the first bytes: of a blob that comes at once the digest is known before. */
  let stored: { readonly pipe: Pipe; readonly digest: Promise<string>; readonly broken: Promise<never> } | undefined;
  let timer: Timer | undefined;

  const drop = () => {
    timer?.[Symbol.dispose]();
    stop.abort(new Error("the upload was given up"));
    forget(id);
  };
  const wait = () => {
    timer?.[Symbol.dispose]();
    timer = after(expiresMs, drop).unref();
  };
  wait();

  function begin() {
    const pipe = createPipe();
    const digest = storeBlob(catalog, pipe.read(), {}, stop.signal, expiresMs);
    const broken = digest.then(() => new Promise<never>(() => {}));
    broken.catch(drop);
    return { pipe, digest, broken };
  }

  async function take(chunks: AsyncIterable<Uint8Array>, range: ByteRange | undefined): Promise<void> {
    if (busy || (range && range.offset !== received)) {
      const problem = busy ? "another request is sending" : `the next byte is ${received}, and not ${range?.offset}`;
      throw ociError(416, "BLOB_UPLOAD_INVALID", problem, { ...uploadHeaders({ repository, id, received }) });
    }
    busy = true;
    try {
      for await (const chunk of chunks) {
        if (range && received + chunk.length > range.offset + range.length) throw wrongLength(range);
        stored ??= begin();
        await Promise.race([stored.pipe.write(chunk), stored.broken]);
        received += chunk.length;
      }
      if (range && received !== range.offset + range.length) throw wrongLength(range);
    } finally {
      busy = false;
      wait();
    }
  }

  return {
    id,
    repository,
    get received() {
      return received;
    },
    append: take,
    async finish(chunks, range, digest) {
      if (stored === undefined && range === undefined) {
        await storeBlob(catalog, chunks, { digest }, stop.signal);
        return drop();
      }
      await take(chunks, range);
      stored ??= begin();
      stored.pipe.end();
      const found = await stored.digest;
      drop();
      if (found !== digest) throw ociError(400, "DIGEST_INVALID", `the bytes have the digest ${found}, and not ${digest}`);
    },
    drop,
  };
}

function wrongLength({ length }: ByteRange) {
  return ociError(400, "SIZE_INVALID", `content-range speaks of ${length} bytes, and others came`);
}

/** Where an upload goes on, and from which byte. */
export function uploadHeaders({ repository, id, received }: Pick<Upload, "repository" | "id" | "received">): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, received - 1)}`,
    "docker-upload-uuid": id,
  };
}
