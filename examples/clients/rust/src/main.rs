//! A client of the protos alone: push two models, average them, pull the average and compare its bytes; then a contribution to a session that
//! is cut in the middle and goes on.
//!
//!     cargo run -- 127.0.0.1:7437

mod contribution;
mod models;
mod tensors;

/// The stubs that build.rs makes of proto/.
pub mod pb {
    tonic::include_proto!("ratatouille.v1");
}

use pb::averaging_service_client::AveragingServiceClient;
use pb::catalog_service_client::CatalogServiceClient;
use pb::{AverageRequest, CloseSessionRequest, OpenSessionRequest};
use tonic::Code;
use tonic_types::StatusExt;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).ok_or("which address? for example 127.0.0.1:7437")?;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let mut catalog = CatalogServiceClient::new(channel.clone());
    let mut averaging = AveragingServiceClient::new(channel);

    let a = tensors::numbers(1, 1 << 20);
    let b = tensors::numbers(2, 1 << 20);
    let (file_a, file_b) = (tensors::file(&a), tensors::file(&b));

    // Push: bytes first, then what they are.
    let models = vec![models::push(&mut catalog, &file_a).await?, models::push(&mut catalog, &file_b).await?];
    let pulled = models::pull(&mut catalog, &models[0]).await?;
    assert!(pulled == file_a, "another file came back than was pushed");

    // Average, and pull.
    let request = AverageRequest { models, ..Default::default() };
    let average = models::last_artifact(averaging.average(request).await?.into_inner()).await?;
    let pulled = models::pull(&mut catalog, &average).await?;
    assert!(pulled.ends_with(&tensors::bytes(&tensors::mean(&a, &b))), "it is not the mean");
    println!("push, average, pull: {} bytes of {average}", pulled.len());

    // A session: one contribution whole, one that is cut in the middle and sent again.
    let opened = averaging.open_session(OpenSessionRequest { licence: "CC0-1.0".into(), ..Default::default() }).await?.into_inner();
    let session = contribution::Session { id: opened.session.ok_or("no session")?.id, secret: opened.secret };
    assert!(session.contribute(&mut averaging, "anna", &file_a, None).await?.committed);
    let cut = session.contribute(&mut averaging, "berta", &file_b, Some(file_b.len() / 2)).await?;
    assert!(!cut.committed, "it was cut in the middle");
    let resumed = session.contribute(&mut averaging, "berta", &file_b, None).await?;
    assert!(resumed.committed && resumed.began > 0, "it did not go on where it was: {resumed:?}");
    let close = CloseSessionRequest { session_id: session.id, secret: session.secret, snapshot: true };
    let snapshot = averaging.close_session(close).await?.into_inner().artifact.ok_or("no snapshot")?;
    let pulled_of_session = models::pull(&mut catalog, &snapshot.digest).await?;
    assert!(pulled_of_session == pulled, "the session made other bytes than the average");
    println!("session: resumed at byte {} of {}, the same bytes", resumed.began, file_b.len());

    // An error has a code, a reason and the fields that are wrong.
    let request = OpenSessionRequest { method: "median".into(), ..Default::default() };
    let refused = averaging.open_session(request).await.err().ok_or("a method that there is not was taken")?;
    let reason = refused.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let fields = refused.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    assert_eq!((refused.code(), reason.as_str(), fields[0].field.as_str()), (Code::InvalidArgument, "SESSION_INVALID", "method"));
    println!("errors: {reason} of {}", fields[0].field);
    Ok(())
}
