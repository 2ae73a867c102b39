//! The tracing layer: turns events into lines on standard error and into entries for Helm.

use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record as SpanRecord},
};
use tracing_subscriber::{
    layer::{Context, Layer},
    registry::LookupSpan,
};

use super::{
    LogHandle, REQUEST_SPAN, SHIPPER_SPAN, format,
    level::{self, Level, Verbosity},
    queue::{Priority, Queued},
    record::{EventFields, Record, RequestFields},
};
use crate::correlation;

/// Where lines go; each call gets one whole line and what it is worth.
pub(super) type Output = Box<dyn Fn(&[u8], Priority) + Send + Sync>;

pub(super) struct LogLayer {
    pub(super) handle: LogHandle,
    pub(super) verbosity: Verbosity,
    pub(super) json: bool,
    /// Whether lines go to Helm as well.
    pub(super) ships: bool,
    pub(super) output: Output,
}

/// Marks spans whose lines stay on this machine: the shipper's own work.
struct NotShipped;

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.verbosity.lets_through(metadata)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.verbosity.max_level())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        match span.name() {
            REQUEST_SPAN => {
                let mut fields = RequestFields::default();
                attributes.record(&mut fields);
                span.extensions_mut().insert(fields);
            }
            SHIPPER_SPAN => span.extensions_mut().insert(NotShipped),
            _ => {}
        }
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<RequestFields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut request = None;
        let mut shipped = self.ships;
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            if request.is_none() {
                request = extensions.get::<RequestFields>().cloned();
            }
            shipped &= extensions.get::<NotShipped>().is_none();
        }
        let mut request = request.unwrap_or_default();
        if request.correlation_id.is_none() {
            let id = correlation::current();
            request.correlation_id = (id != correlation::NONE).then(|| id.into());
        }

        let metadata = event.metadata();
        let mut fields = EventFields::new();
        event.record(&mut fields);
        let level = Level::from(metadata.level());
        let record = Record {
            timestamp: Record::timestamp_of(self.handle.clock().now()),
            level,
            target: metadata.target(),
            priority: priority(metadata.target(), level, &fields),
            fields,
            request,
        };
        let line = if self.json {
            format::json(&record, self.handle.service(), self.handle.top_level_fields())
        } else {
            format::text(&record)
        };
        let priority = record.priority;
        (self.output)(&line, priority);
        if shipped && self.handle.admits(priority) {
            let entry = record.into_entry(self.handle.hostname(), self.handle.process_id());
            self.handle.accept(Queued { priority, entry });
        }
    }
}

fn priority(target: &str, level: Level, fields: &EventFields) -> Priority {
    if level >= Level::Warning || level::is_audit(target) {
        return Priority::Important;
    }
    let status = || fields.extra.iter().find(|(name, _)| *name == "status")?.1.as_u64();
    if level::is_access(target) && status().is_some_and(|status| (200..300).contains(&status)) {
        return Priority::Access;
    }
    Priority::Normal
}
