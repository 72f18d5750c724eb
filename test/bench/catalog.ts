import { connect } from "#libs/rpc";
import { temporaryDirectory } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { questions } from "./catalog/queries.ts";
import { type Seeded, seedCatalog } from "./catalog/seed.ts";
import { startServer } from "./catalog/server.ts";
import { runScript } from "./child.ts";
import { type Figure, median, quantile } from "./figures.ts";
import { cpuTimeOfMs, memoryOf } from "./process-facts.ts";

const CONNECTIONS = 50;
const LOAD_SECONDS = 4;
/** Of each sort of question. */
const ASKED = 400;

const parts = { queries: queryFigures, unary: unaryFigures };

type Bench = BenchOptions & { readonly directory: string; readonly seeded: Seeded };

/** A catalog with very many models, in a process of its own: how it starts, how long queries take, and how many calls it answers. */
export const catalog: Benchmark = {
  summary: "a catalog of very many models: start, list, search, lineage, GetArtifact against a bare echo",
  parts: Object.keys(parts),
  async run(options) {
    await using temporary = await temporaryDirectory("bench-catalog-");
    const directory = temporary.join("data");
    options.say(`${options.models} models`);
    const seeded = await seedCatalog(directory, options.models);
    const figures: Figure[] = [];
    {
      using first = await startServer(directory);
      figures.push({ name: "first start, which makes the index of the search", unit: "s", runs: [first.startMs / 1000] });
    }
    for (const [name, measure] of Object.entries(parts)) {
      if (options.part === undefined || options.part === name) figures.push(...(await measure({ ...options, directory, seeded })));
    }
    return figures;
  },
};

async function queryFigures({ directory, seeded, runs, say }: Bench): Promise<Figure[]> {
  const starts: number[] = [];
  const memory: number[] = [];
  const times = new Map<string, { middle: number[]; last: number[] }>();
  for (let run = 1; run <= runs; run++) {
    say(`run ${run} of ${runs}: queries`);
    using server = await startServer(directory);
    starts.push(server.startMs / 1000);
    using channel = connect(server.address);
    for (const [name, ask] of Object.entries(questions(channel.client(CatalogService), seeded))) {
      const took: number[] = [];
      for (let n = 0; n < ASKED; n++) {
        const startedMs = performance.now();
        await ask(n);
        took.push(performance.now() - startedMs);
      }
      const own = times.get(name) ?? { middle: [], last: [] };
      own.middle.push(median(took));
      own.last.push(quantile(took, 0.99));
      times.set(name, own);
    }
    memory.push((await memoryOf(server.pid))?.rssMb ?? Number.NaN);
  }
  return [
    { name: "start until ready", unit: "s", runs: starts, atMost: 2 },
    ...[...times].flatMap(([name, { middle, last }]): Figure[] => [
      { name: `${name}: 99th percentile`, unit: "ms", runs: last, atMost: 50 },
      { name: "  median", unit: "ms", runs: middle },
    ]),
    { name: "memory after it (RSS)", unit: "MB", runs: memory },
  ];
}

type Load = { readonly perSecond: number; readonly cpuMs: number };

async function load(server: { readonly address: string; readonly pid: number | undefined }, digests: readonly string[]): Promise<Load> {
  const before = (await cpuTimeOfMs(server.pid)) ?? Number.NaN;
  const perSecond = await runScript<number>("./catalog/load-process.ts", [
    server.address,
    String(CONNECTIONS),
    String(LOAD_SECONDS),
    ...digests,
  ]);
  const used = ((await cpuTimeOfMs(server.pid)) ?? Number.NaN) - before;
  return { perSecond, cpuMs: used / (perSecond * LOAD_SECONDS) };
}

/** In turns, so that whatever else the machine does meets both. */
async function unaryFigures({ directory, seeded, runs, say }: Bench): Promise<Figure[]> {
  const digests = [...seeded.foundations, ...seeded.tuned.slice(0, 50)];
  using catalog = await startServer(directory);
  using channel = connect(catalog.address);
  const { artifact } = await channel.client(CatalogService).getArtifact({ name: { case: "digest", value: digests.at(-1)! } });
  using echo = await startServer("-", String(artifact?.manifest.length));
  const loads: { catalog: Load; echo: Load }[] = [];
  for (let run = 0; run <= runs; run++) {
    say(run === 0 ? "a run to get warm" : `run ${run} of ${runs}: GetArtifact over ${CONNECTIONS} connections`);
    const pair = { echo: await load(echo, digests), catalog: await load(catalog, digests) };
    if (run > 0) loads.push(pair);
  }
  return [
    { name: `GetArtifact, ${CONNECTIONS} connections`, unit: "/s", runs: loads.map(({ catalog }) => catalog.perSecond) },
    { name: "  bare echo of a message of that size", unit: "/s", runs: loads.map(({ echo }) => echo.perSecond) },
    { name: "  GetArtifact / echo", unit: "", runs: loads.map(({ catalog, echo }) => catalog.perSecond / echo.perSecond), atLeast: 0.6 },
    {
      name: "  CPU time of the server for each, of echo / GetArtifact",
      unit: "",
      runs: loads.map(({ catalog, echo }) => echo.cpuMs / catalog.cpuMs),
    },
  ];
}
