//! One contribution to a session: the server says from where on it wants the bytes, and up to where.

use crate::Result;
use crate::models::digest_of;
use crate::pb::averaging_service_client::AveragingServiceClient;
use crate::pb::{ContributeRequest, ContributionChunk, ContributionHeader, contribute_request::Part, contribute_response::Event};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

const CHUNK: usize = 1 << 20;

pub struct Session {
    pub id: String,
    pub secret: String,
}

/// How a call went.
#[derive(Debug)]
pub struct Outcome {
    pub committed: bool,
    /// The byte from which on the server wanted the file: what came before is there.
    pub began: usize,
}

impl Session {
    /// Sends a file until it is committed, or the call is dropped behind byte `cut`. The same call again goes on.
    pub async fn contribute(
        &self,
        averaging: &mut AveragingServiceClient<Channel>,
        contributor: &str,
        file: &[u8],
        cut: Option<usize>,
    ) -> Result<Outcome> {
        let (sender, receiver) = mpsc::channel(1);
        let header = ContributionHeader {
            session_id: self.id.clone(),
            secret: self.secret.clone(),
            contributor: contributor.into(),
            size_bytes: file.len() as i64,
            digest: digest_of(file),
            ..Default::default()
        };
        sender.send(ContributeRequest { part: Some(Part::Header(header)) }).await?;
        let mut answers = averaging.contribute(ReceiverStream::new(receiver)).await?.into_inner();
        let (mut begun, mut position) = (None, 0);
        while let Some(answer) = answers.message().await? {
            let send = match answer.event {
                Some(Event::Send(send)) => send,
                Some(Event::Committed(_)) => return Ok(Outcome { committed: true, began: begun.unwrap_or(file.len()) }),
                None => continue, // something that this version does not know
            };
            if begun.is_none() {
                position = send.offset as usize;
                begun = Some(position);
            }
            // A chunk has at least 256 KiB, but for the last one: what does not fit before `until` waits for more.
            while position < file.len() && CHUNK.min(file.len() - position) <= send.until as usize - position {
                let data = &file[position..file.len().min(position + CHUNK)];
                let chunk = ContributionChunk { data: data.to_vec(), crc32: Some(crc32fast::hash(data)), ..Default::default() };
                sender.send(ContributeRequest { part: Some(Part::Chunk(chunk)) }).await?;
                position += data.len();
                if cut.is_some_and(|cut| position >= cut) {
                    // The call has taken the chunk, and not only the channel before it.
                    sender.reserve().await?;
                    return Ok(Outcome { committed: false, began: begun.unwrap_or(0) });
                }
            }
        }
        Err("the server ended the call before the contribution was committed".into())
    }
}
