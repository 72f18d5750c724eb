import { temporaryDirectory } from "#libs/testing";
import { startServer } from "../conformance/server.ts";

/** Calls with the address of a real system without trainers, which is gone afterwards. */
export async function withSystem<T>(use: (address: string) => Promise<T>): Promise<T> {
  await using folder = await temporaryDirectory();
  await using server = await startServer(folder.join("data"));
  return await use(server.address);
}
