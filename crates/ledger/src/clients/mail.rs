//! The mail server: invoices go out through it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hivematrix_shared::problem::Problem;
use http::StatusCode;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    address::AddressError,
    message::{Attachment, Mailbox, MultiPart, SinglePart, header::ContentType},
    transport::smtp::{authentication::Credentials, client::Tls, extension::ClientId},
};
use uuid::Uuid;

use crate::config::mail::{MailSettings, Security};

/// Time for a mail.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// No mail can be written to it.
    #[error("{0} is no mail address: {1}")]
    Address(String, AddressError),
    /// A password would go over the network for all to read.
    #[error("a password is only sent to a mail server with TLS, or on this machine")]
    Clear,
    /// The mail cannot be written.
    #[error("the mail cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
    /// The server does not answer, or refuses.
    #[error("the mail server did not take it: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
}

impl From<MailError> for Problem {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Address(..) => Self::new(StatusCode::BAD_REQUEST).error(format!("{error}.")),
            // What a server says of an address or a password is for who sets it up as well.
            MailError::Server(_) => {
                Self::new(StatusCode::BAD_GATEWAY).error(format!("Not sent: {error}.")).cause(error)
            }
            MailError::Clear => Self::new(StatusCode::CONFLICT).error(format!("Not sent: {error}.")),
            MailError::Message(_) => Self::internal(error),
        }
    }
}

/// A mail with a file.
#[derive(Clone, Debug)]
pub struct Letter {
    /// To whom.
    pub to: Vec<Mailbox>,
    /// Subject line.
    pub subject: String,
    /// Text.
    pub text: String,
    /// Name of the file.
    pub file_name: String,
    /// The file, a PDF.
    pub pdf: Vec<u8>,
}

/// Sends mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    under_way: Arc<Mutex<HashSet<String>>>,
    host: String,
    settings: MailSettings,
    from: Mailbox,
}

/// A document that is being sent.
#[derive(Debug)]
pub struct UnderWay(Arc<Mutex<HashSet<String>>>, String);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Mailer {
    /// With these settings; nothing without a host.
    pub fn of(settings: &MailSettings) -> Option<Self> {
        let host = settings.host()?.to_owned();
        Some(Self {
            under_way: Arc::default(),
            host,
            from: settings.smtp_from.clone()?,
            settings: settings.clone(),
        })
    }

    /// Begins to send a document; none while it is being sent, as after a second click.
    pub fn begin(&self, document: &str) -> Option<UnderWay> {
        let is_first =
            self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(document.to_owned());
        is_first.then(|| UnderWay(self.under_way.clone(), document.to_owned()))
    }

    /// Sends a mail: when this is done, the server has taken it.
    ///
    /// # Errors
    /// When the server does not answer or refuses it.
    pub async fn send(&self, letter: Letter) -> Result<(), MailError> {
        let domain = self.from.email.domain().to_owned();
        let mut message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(format!("<{}@{domain}>", Uuid::new_v4())))
            .subject(letter.subject);
        for to in letter.to {
            message = message.to(to);
        }
        let pdf = ContentType::parse("application/pdf").unwrap_or(ContentType::TEXT_PLAIN);
        let message = message.multipart(
            MultiPart::mixed()
                .singlepart(SinglePart::plain(letter.text))
                .singlepart(Attachment::new(letter.file_name).body(letter.pdf, pdf)),
        )?;
        self.transport(domain)?.send(message).await?;
        Ok(())
    }

    fn transport(&self, domain: String) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let mut builder = match self.settings.smtp_security {
            Security::Starttls => Transport::starttls_relay(&self.host)?,
            Security::Tls => Transport::relay(&self.host)?,
            Security::None => Transport::builder_dangerous(&self.host).tls(Tls::None),
        };
        if let Some(port) = self.settings.smtp_port {
            builder = builder.port(port);
        }
        let is_here = ["localhost", "127.0.0.1", "::1"].contains(&self.host.as_str());
        let credentials = self.settings.credentials();
        if credentials.is_some() && self.settings.smtp_security == Security::None && !is_here {
            return Err(MailError::Clear);
        }
        if let Some((user, password)) = credentials {
            builder = builder.credentials(Credentials::new(user.to_owned(), password.expose().to_owned()));
        }
        Ok(builder.hello_name(ClientId::Domain(domain)).timeout(Some(TIMEOUT)).build())
    }
}
