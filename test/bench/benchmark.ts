import type { Figure } from "./figures.ts";

/** What the command line says. */
export type BenchOptions = {
  /** Repetitions; figures are medians over them. */
  readonly runs: number;
  /** Run file of benchmarks that run one. */
  readonly file: string;
  /** Cores that the system may use. */
  readonly cores: number;
  /** Jobs that wait at once in benchmarks of the work queue. */
  readonly jobs: number;
  /** Megabytes of each model that is averaged. */
  readonly size: number;
  /** Models in the catalog that is asked. */
  readonly models: number;
  /** Only this part of a benchmark that has parts. */
  readonly part?: string | undefined;
  /** Folder of another clone that is measured in the same turns, by parts that do so. */
  readonly beside?: string | undefined;
  /** A python that has the peers' packages, which are installed where there is none. */
  readonly python?: string | undefined;
  /** Says what is being done, one line at a time. */
  readonly say: (line: string) => void;
};

/** Something to measure. */
export type Benchmark = { readonly summary: string; readonly parts?: readonly string[]; run(options: BenchOptions): Promise<Figure[]> };
