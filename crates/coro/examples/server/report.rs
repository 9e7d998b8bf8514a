use crate::serve::Variant;
use std::fmt;

/// What a server has used.
pub(crate) struct Report {
    /// From the first connection to the last answer.
    pub(crate) seconds: f64,
    pub(crate) processor_seconds: f64,
    pub(crate) peak_kib: usize,
    /// By how much the peak exceeds what was resident before, shared among all.
    pub(crate) kib_each: f64,
    /// Most at once.
    pub(crate) threads: usize,
}

impl Report {
    pub(crate) const HEADING: &str = concat!(
        "             |  time, s | processor, s | peak resident, KiB | KiB a connection | threads\n",
        "-------------+----------+--------------+--------------------+------------------+--------",
    );

    /// As the server's process prints it.
    pub(crate) fn to_line(&self) -> String {
        format!(
            "{} {} {} {} {}",
            self.seconds, self.processor_seconds, self.peak_kib, self.kib_each, self.threads
        )
    }

    /// A row of the table, out of a line.
    pub(crate) fn from_line(variant: Variant, line: &str) -> Result<Row, String> {
        let mut words = line.split_whitespace();
        let mut number = || {
            let word = words.next()?;
            word.parse::<f64>().ok()
        };
        let report = (|| {
            Some(Report {
                seconds: number()?,
                processor_seconds: number()?,
                peak_kib: number()? as usize,
                kib_each: number()?,
                threads: number()? as usize,
            })
        })();
        match report {
            Some(report) => Ok(Row { variant, report }),
            None => Err(format!("the server of {variant} reports {line:?}")),
        }
    }
}

pub(crate) struct Row {
    variant: Variant,
    report: Report,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            seconds,
            processor_seconds,
            peak_kib,
            kib_each,
            threads,
        } = self.report;
        write!(
            f,
            "{:<12} | {seconds:8.2} | {processor_seconds:12.2} | {peak_kib:18} | {kib_each:16.1} | {threads:7}",
            self.variant
        )
    }
}
