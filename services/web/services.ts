import type { DescService } from "@bufbuild/protobuf";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";

/** What a system offers at its one address. */
export const publicServices: readonly DescService[] = [
  AveragingService,
  CatalogService,
  EvaluationService,
  FinetuneService,
  RecyclingService,
  SystemService,
];
