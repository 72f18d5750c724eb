//! Models of the catalog: bytes that are uploaded, and imported as what they are.

use crate::Result;
use crate::pb::catalog_service_client::CatalogServiceClient;
use crate::pb::{
    AverageResponse, BlobHeader, CheckedChunk, DownloadBlobRequest, ImportModelRequest, ImportedFile, ReadTensorsRequest,
    UploadBlobRequest, average_response, read_tensors_request, read_tensors_response, upload_blob_request::Part,
};
use sha2::{Digest, Sha256};
use tonic::Streaming;
use tonic::transport::Channel;

pub type Catalog = CatalogServiceClient<Channel>;

const CHUNK: usize = 1 << 20;

pub fn digest_of(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    format!("sha256:{}", sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Uploads a safetensors file and imports it as a model, whose digest it gives.
pub async fn push(catalog: &mut Catalog, file: &[u8]) -> Result<String> {
    let digest = digest_of(file);
    let header = BlobHeader { digest: digest.clone(), size_bytes: file.len() as i64, keep: true, ..Default::default() };
    let mut parts = vec![UploadBlobRequest { part: Some(Part::Header(header)) }];
    for data in file.chunks(CHUNK) {
        let chunk = CheckedChunk { data: data.to_vec(), crc32: crc32fast::hash(data) };
        parts.push(UploadBlobRequest { part: Some(Part::Checked(chunk)) });
    }
    catalog.upload_blob(tokio_stream::iter(parts)).await?;
    let request = ImportModelRequest {
        files: vec![ImportedFile { digest }],
        licence: "CC0-1.0".into(),
        source: "an example in Rust".into(),
        ..Default::default()
    };
    let imported = catalog.import_model(request).await?.into_inner();
    Ok(imported.artifact.ok_or("no artifact")?.digest)
}

/// The file with a model's weights, whose bytes are those that its digest names.
pub async fn pull(catalog: &mut Catalog, model: &str) -> Result<Vec<u8>> {
    let artifact = Some(read_tensors_request::Artifact::Digest(model.into()));
    let request = ReadTensorsRequest { artifact, describe_only: true, ..Default::default() };
    let first = catalog.read_tensors(request).await?.into_inner().message().await?.and_then(|message| message.part);
    let Some(read_tensors_response::Part::Header(header)) = first else { return Err("no header".into()) };
    let request = DownloadBlobRequest { digest: header.blob.clone(), ..Default::default() };
    let mut stream = catalog.download_blob(request).await?.into_inner();
    let mut file = Vec::new();
    while let Some(message) = stream.message().await? {
        file.extend_from_slice(&message.chunk);
    }
    if digest_of(&file) != header.blob {
        return Err(format!("{} arrived with other bytes", header.blob).into());
    }
    Ok(file)
}

/// The digest of the artifact that a stream of progress ends with. Events that this version does not know are passed over.
pub async fn last_artifact(mut stream: Streaming<AverageResponse>) -> Result<String> {
    while let Some(message) = stream.message().await? {
        if let Some(average_response::Event::Artifact(artifact)) = message.event {
            return Ok(artifact.digest);
        }
    }
    Err("the server ended the work without an artifact".into())
}
