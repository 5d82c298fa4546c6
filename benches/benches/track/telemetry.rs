//! The peer that most applications have already: log records of OpenTelemetry, in batches.

use std::future::Future;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, SdkLogger, SdkLoggerProvider,
};

use crate::event::{CATEGORY, COUNT, DURATION, HOST, ID, LONG, NAME, PATH, SESSION, Size, TEXT, VISIBLE};
use crate::sender::{Sender, Situation};

/// A logger, its batch processor, and an exporter as the situation has it.
pub(crate) struct Telemetry {
    logger: SdkLogger,
    provider: SdkLoggerProvider,
    size: Size,
    gate: Gate,
}

/// Holds back an exporter that is not to come back.
type Gate = Arc<(Mutex<bool>, Condvar)>;

#[derive(Debug)]
struct Exporter {
    situation: Situation,
    gate: Gate,
}

impl LogExporter for Exporter {
    fn export(&self, _batch: LogBatch<'_>) -> impl Future<Output = OTelSdkResult> + Send {
        let outcome = match self.situation {
            Situation::Up => Ok(()),
            Situation::Down => Err(OTelSdkError::InternalFailure("nobody listens".to_owned())),
            Situation::Full => {
                let open = self.gate.0.lock().unwrap();
                drop(self.gate.1.wait_while(open, |open| !*open).unwrap());
                Ok(())
            }
        };
        std::future::ready(outcome)
    }
}

impl Telemetry {
    pub(crate) fn new(size: Size, situation: Situation) -> Self {
        let gate = Gate::default();
        let exporter = Exporter {
            situation,
            gate: Arc::clone(&gate),
        };
        let bounds = BatchConfigBuilder::default().with_max_queue_size(situation.queue());
        let processor = BatchLogProcessor::builder(exporter).with_batch_config(bounds.build());
        let provider = SdkLoggerProvider::builder()
            .with_log_processor(processor.build())
            .build();
        let logger = provider.logger("bench");
        let telemetry = Telemetry {
            logger,
            provider,
            size,
            gate,
        };
        if situation == Situation::Full {
            // The exporter holds one batch, and what comes then fills the queue.
            for _ in 0..3 * situation.queue() {
                telemetry.send(0);
            }
            std::thread::sleep(Duration::from_millis(50));
            for _ in 0..3 * situation.queue() {
                telemetry.send(0);
            }
        }
        telemetry
    }
}

impl Sender for Telemetry {
    fn send(&self, number: u64) {
        let mut record = self.logger.create_log_record();
        record.set_event_name(NAME);
        record.set_target(CATEGORY);
        record.set_severity_number(Severity::Info);
        record.set_timestamp(SystemTime::now());
        record.add_attribute("id", ID);
        record.add_attribute("session_id", SESSION);
        record.add_attribute("sequence", i64::try_from(number).unwrap_or(i64::MAX));
        record.add_attribute(HOST.0, HOST.1.to_owned());
        record.add_attribute(PATH.0, PATH.1.to_owned());
        record.add_attribute(DURATION.0, DURATION.1);
        record.add_attribute(VISIBLE.0, VISIBLE.1);
        record.add_attribute(COUNT, i64::try_from(number).unwrap_or(i64::MAX));
        if self.size == Size::Large {
            record.add_attribute(TEXT, LONG.to_owned());
        }
        self.logger.emit(record);
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
        // An exporter that has failed tells of it here.
        let _ = self.provider.shutdown_with_timeout(Duration::from_secs(30));
    }
}
