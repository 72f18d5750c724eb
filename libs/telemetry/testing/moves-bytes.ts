// A thread that says that it has moved bytes.
import { parentPort } from "node:worker_threads";
import { transfers } from "../transfers.ts";

transfers.uploaded.add(3_000_000_000);
parentPort?.postMessage("moved");
