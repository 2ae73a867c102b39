//! All companies in one answer, which is read as it comes.

use std::time::Duration;

use chrono::SecondsFormat;
use hivematrix_shared::service_client::read_incoming;
use http::StatusCode;
use serde::Deserializer as _;

use super::{CODEX, Codex, CodexError, Ended, Piece, Sender, Wanted, pieces::Companies, status};

/// Time for everything about all companies.
const LONG: Duration = Duration::from_secs(1800);
/// So long nobody takes what comes, and the answer is given up: Codex does the same.
const STALLED: Duration = Duration::from_secs(30);
/// While Codex has no place for another answer about all companies.
const AGAIN: Duration = Duration::from_secs(1);
const TRIES: usize = 60;

impl Codex {
    /// The answer about all companies; none from a Codex that knows no such thing. While it has no place for another such answer,
    /// it is asked again.
    pub(super) async fn bulk(&self, wanted: Wanted) -> Result<Option<reqwest::Response>, CodexError> {
        let mut query = Vec::new();
        if let Wanted::Tickets(since) = wanted {
            query.push(("include_tickets", "true".to_owned()));
            query.extend(
                since.map(|since| ("updated_since", since.to_rfc3339_opts(SecondsFormat::Secs, true))),
            );
        }
        let mut left = TRIES;
        loop {
            let request = self.client.get(CODEX, "/api/companies/bulk").query(&query).timeout(LONG);
            let response = request.send().await?;
            left -= 1;
            match response.status() {
                code if code.is_success() => return Ok(Some(response)),
                // To one without it, that is a company called so.
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => return Ok(None),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if left > 0 => {
                    tokio::time::sleep(AGAIN).await;
                }
                code => return Err(status(code)),
            }
        }
    }
}

/// Passes the pieces of the answer on.
pub(super) async fn pass_on(
    response: reqwest::Response,
    wanted: Wanted,
    sender: &Sender,
) -> Result<(), Ended> {
    let pieces = sender.clone();
    let read = read_incoming(response, STALLED, move |incoming| {
        let mut take = |piece: Piece| match piece {
            // The original's Codex sends all, whatever it is asked for.
            Piece::Ticket(ticket) if !wanted.includes(&ticket) => !pieces.is_closed(),
            piece => pieces.blocking_send(Ok(piece)).is_ok(),
        };
        let mut json = serde_json::Deserializer::from_reader(incoming);
        json.deserialize_seq(Companies { take: &mut take })?;
        json.end()
    });
    read.await.map_err(|reason| match sender.is_closed() {
        true => Ended::Gone,
        false => Ended::Failed(CodexError::Answer(reason)),
    })
}
