import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import type { RpcError } from "#libs/rpc/portable";
import { rpcErrorOf } from "./over-transport.ts";

/** Requests for files of a server's HTTP port. */
export type Files = {
  /** A whole file. @throws RpcError */
  get(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Sends a file, from where the server wants it. What was cut or aborted goes on with the same call.
   * @returns what the server answered, if it wanted any bytes, and from where on
   * @throws RpcError
   */
  put(path: string, bytes: Uint8Array<ArrayBuffer>, options?: PutOptions): Promise<{ readonly from: number; readonly answer?: unknown }>;
};

type PutOptions = { readonly headers?: Readonly<Record<string, string>>; readonly signal?: AbortSignal | undefined };

/**
 * @param base URL of the server, without a "/" at its end
 * @param fetch fails as `reaching` does
 */
export function filesOf(base: string, token: string | undefined, fetch: typeof globalThis.fetch): Files {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const ask = async (method: string, path: string, { headers = {}, signal }: PutOptions, body?: Uint8Array<ArrayBuffer>) => {
    const init = { method, headers: { ...authorization, ...headers }, ...(signal ? { signal } : {}), ...(body ? { body } : {}) };
    return fetch(`${base}${path}`, init).catch((error: unknown) => {
      throw error instanceof ConnectError ? rpcErrorOf(error) : error;
    });
  };
  return {
    async get(path, signal) {
      const response = await ask("GET", path, { signal });
      if (!response.ok) throw await errorOf(response);
      return new Uint8Array(await response.arrayBuffer());
    },
    async put(path, bytes, options = {}) {
      const there = await ask("HEAD", path, options);
      const offset = there.headers.get("upload-offset");
      // A blob that is there whole says no offset, and 200.
      if (there.ok && (offset === null || there.headers.get("upload-complete") === "?1")) return { from: bytes.length };
      // Why it is refused an answer to HEAD cannot say: the last byte is enough to be told.
      const refused = !there.ok && there.status !== 404;
      const from = refused ? Math.max(0, bytes.length - 1) : Number(offset ?? 0);
      const range = from === 0 ? {} : { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
      const response = await ask("PUT", path, { ...options, headers: { ...options.headers, ...range } }, bytes.subarray(from));
      if (!response.ok) throw await errorOf(response);
      return { from, answer: await response.json() };
    },
  };
}

/** Requests that fail, but for those that are aborted, with what connect-es calls that: the server cannot be reached. */
export function reaching(base: string, fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  const reach = (...[url, init]: Parameters<typeof globalThis.fetch>) =>
    fetch(url, init).catch((error: unknown) => {
      if (init?.signal?.aborted) throw error;
      throw new ConnectError(`no answer from ${base}: ${(error as Error).message}`, Code.Unavailable, undefined, undefined, error);
    });
  return reach as typeof globalThis.fetch;
}

/** What the server says of a request that it refuses: its body, which HEAD has not. */
async function errorOf(response: Response): Promise<RpcError> {
  const plain = new ConnectError(`${response.url}: HTTP status ${response.status}`);
  const text = await response.text();
  try {
    return rpcErrorOf(errorFromJson(JSON.parse(text), response.headers, plain));
  } catch {
    return rpcErrorOf(plain);
  }
}
