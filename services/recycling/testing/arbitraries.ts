import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { digestOf, styleNames } from "#libs/recipes";
import { methods } from "#libs/reporting";
import { type RunSpec, RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";

/** Mostly values that can be, now and then one that cannot. */
const mostly = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>) => fc.oneof({ weight: 60, arbitrary: good }, { weight: 1, arbitrary: bad });
const whole = (min: number, max: number) => mostly(fc.integer({ min, max }), fc.constantFrom(0, 1, 4_294_967_295));
const real = (min: number, max: number) =>
  mostly(fc.double({ min, max, noNaN: true }), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, -0, 5e-324, 1, 1e308));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined as never, freq: 60 });
const subset = <T>(values: readonly T[], minLength = 1) =>
  mostly(fc.subarray([...values], { minLength }), fc.array(fc.constantFrom(...values), { maxLength: 3 }));

const training = optional(fc.record({ steps: whole(1, 50), batch: whole(1, 64), learningRate: real(1e-200, 100) }));
const glyphs = optional(
  fc.record({ classes: whole(2, 20), images: whole(20, 500), styles: subset(styleNames as readonly string[]), rotation: real(0, 3.15) }),
);
const target = fc
  .uniqueArray(mostly(fc.integer({ min: -360, max: 360 }), fc.constantFrom(361, 12.5)), { minLength: 2, maxLength: 6 })
  .chain((domains) =>
    fc.record({
      source: mostly(fc.constant<string>(digestOf("source")), fc.string()),
      domains: fc.constant(domains),
      heldOut: subset(domains),
      validationFraction: real(1e-9, 0.999),
    }),
  );

const parts = fc.record({
  name: mostly(fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,59}$/), fc.string({ unit: "grapheme" })),
  seeds: mostly(fc.uniqueArray(fc.nat(4_294_967_295), { minLength: 1, maxLength: 3 }), fc.constantFrom<number[]>([], [1, 1])),
  backend: mostly(fc.constantFrom("wasm", "cpu"), fc.string()),
  target: optional(target),
  foundation: optional(fc.record({ data: glyphs, hidden: fc.array(whole(1, 64), { minLength: 1, maxLength: 3 }), training })),
  auxiliaries: fc.array(
    fc.record({ name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }), data: glyphs, probe: training, training }),
    {
      maxLength: 2,
    },
  ),
  probe: training,
  fineTuning: optional(
    fc.record({
      members: whole(1, 6),
      training,
      validateEvery: whole(1, 1),
      learningRateFactors: fc.array(real(1e-200, 100), { maxLength: 3 }),
      dropouts: fc.array(real(0, 0.999), { maxLength: 3 }),
      weightDecays: fc.array(real(0, 1), { maxLength: 3 }),
    }),
  ),
  methods: subset(methods as readonly string[], methods.length - 3),
  onFailure: mostly(fc.constantFrom(0, 1, 2), fc.constant(7)),
});

/** Specifications as they may come over the wire. Many can be run, and none of those is large. */
export const specifications: fc.Arbitrary<RunSpec> = parts.map((init) =>
  create(RunSpecSchema, init as MessageInitShape<typeof RunSpecSchema>),
);
