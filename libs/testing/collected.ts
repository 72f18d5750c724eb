/** A span as a collector wrote it; ids in hex, `parentSpanId` empty for a root. */
export type CollectedSpan = {
  readonly service: string;
  /** Tells processes of one service apart. */
  readonly instance: string;
  readonly name: string;
  readonly kind: "INTERNAL" | "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER";
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
};

/** One measurement as a collector wrote it. Sums and histograms count from the start of their process. */
export type CollectedMetric = {
  readonly service: string;
  readonly instance: string;
  readonly name: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, Value>>;
  /** Of a sum or a gauge; of a histogram the sum of what was recorded. */
  readonly value: number;
  /** Of a histogram: how often something was recorded. */
  readonly count: number | undefined;
};

type Value = string | number | boolean;

/** OTLP as JSON (the protobuf JSON mapping, but ids in hex), as far as it is read here. */
type Line = {
  resourceSpans?: { resource: Attributed; scopeSpans: { spans: OtlpSpan[] }[] }[];
  resourceMetrics?: { resource: Attributed; scopeMetrics: { metrics: OtlpMetric[] }[] }[];
};
type Attributed = { attributes?: { key: string; value: Readonly<Record<string, unknown>> }[] };
type OtlpSpan = Attributed & {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code?: number };
};
type Points = { dataPoints: (Attributed & { asDouble?: number; asInt?: string; sum?: number; count?: string })[] };
type OtlpMetric = { name: string; unit?: string; sum?: Points; gauge?: Points; histogram?: Points };

const kinds = ["INTERNAL", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] as const;

/** Reads what the file exporter of a collector has written: a request on each line, the last of which may not be whole yet. */
export function readOtlpLines(text: string): { spans: CollectedSpan[]; metrics: CollectedMetric[] } {
  const lines = text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
  return { spans: lines.flatMap(spansOf), metrics: lines.flatMap(metricsOf) };
}

function spansOf({ resourceSpans = [] }: Line): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...origin(resource),
        name: span.name,
        kind: kinds[span.kind] ?? "INTERNAL",
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        attributes: attributesOf(span),
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        failed: span.status?.code === 2,
      })),
    ),
  );
}

function metricsOf({ resourceMetrics = [] }: Line): CollectedMetric[] {
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ name, unit = "", sum, gauge, histogram }) =>
        ((sum ?? gauge ?? histogram)?.dataPoints ?? []).map((point) => ({
          ...origin(resource),
          name,
          unit,
          attributes: attributesOf(point),
          value: Number(point.asDouble ?? point.asInt ?? point.sum ?? 0),
          count: point.count === undefined ? undefined : Number(point.count),
        })),
      ),
    ),
  );
}

function origin(resource: Attributed): { service: string; instance: string } {
  const attributes = attributesOf(resource);
  return { service: String(attributes["service.name"]), instance: String(attributes["service.instance.id"] ?? "") };
}

function attributesOf({ attributes = [] }: Attributed): Record<string, Value> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, "intValue" in value ? Number(value["intValue"]) : (Object.values(value)[0] as Value)]),
  );
}
