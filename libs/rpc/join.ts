import type { DescMethod } from "@bufbuild/protobuf";
import { unimplemented } from "./errors.ts";
import type { ServiceRegistration, WireHandler } from "./implement.ts";

/**
 * One registration for each service, where several bring some of its methods each. A method that none has answers UNIMPLEMENTED.
 * @throws TypeError for a method that two have
 */
export function joinRegistrations(registrations: readonly ServiceRegistration[]): readonly ServiceRegistration[] {
  const parts = Map.groupBy(registrations, ({ service }) => service.typeName);
  return [...parts.values()].map((same) => {
    const [{ service, open }] = same as [ServiceRegistration];
    const given = Map.groupBy(
      same.flatMap(({ methods }) => methods),
      ({ method }) => method.name,
    );
    const methods = service.methods.map((method) => {
      const [one, other] = given.get(method.name) ?? [];
      if (other !== undefined) throw new TypeError(`${service.typeName}/${method.name} is registered twice`);
      return one ?? { method, handler: missing(method) };
    });
    return { service, methods, open };
  });
}

function missing(method: DescMethod): WireHandler {
  // biome-ignore lint/correctness/useYield: it has nothing to yield
  return async function* () {
    throw unimplemented(`${method.parent.typeName}/${method.name} is not implemented here`);
  };
}
