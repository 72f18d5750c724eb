export { grpcurlProgram } from "./grpcurl.ts";
export { NATS_VERSION, natsServerPlace, natsServerProgram } from "./nats-server.ts";
export { ociConformanceProgram, orasProgram } from "./oci.ts";
