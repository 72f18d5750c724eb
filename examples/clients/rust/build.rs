//! Makes the stubs of the protos, without protoc.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../proto");
    println!("cargo::rerun-if-changed={protos}/ratatouille");
    let files = ["catalog", "averaging"].map(|name| format!("ratatouille/v1/{name}.proto"));
    let descriptors = protox::compile(files, [protos])?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
