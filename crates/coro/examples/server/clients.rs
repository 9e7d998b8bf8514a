//! The clients: all of them in one thread, as async tasks.

use crate::options::Options;
use crate::summary::Summary;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{self, MissedTickBehavior};

/// Clients give up after so long.
const PATIENCE: Duration = Duration::from_secs(100);

/// Opens all connections; then sends a document through each, piece by piece,
/// and compares the answer with that of a direct parse.
pub(crate) fn stream_documents(port: u16, options: &Options) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| format!("tokio: {error}"))?;
    LocalSet::new().block_on(&runtime, async {
        let all = Rc::new(Barrier::new(options.connections));
        let mut clients = JoinSet::new();
        for number in 0..options.connections {
            let client = Client {
                number,
                port,
                piece: options.piece,
                pause: Duration::from_millis(options.pause as u64),
                all: all.clone(),
            };
            clients.spawn_local(client.run());
        }
        let answered = async {
            while let Some(answered) = clients.join_next().await {
                answered.map_err(|error| error.to_string()).flatten()?;
            }
            Ok(())
        };
        time::timeout(PATIENCE, answered)
            .await
            .map_err(|_| format!("the server has not answered within {PATIENCE:?}"))
            .flatten()
    })
}

struct Client {
    number: usize,
    port: u16,
    piece: usize,
    pause: Duration,
    /// Where all wait until all are connected.
    all: Rc<Barrier>,
}

impl Client {
    async fn run(self) -> Result<(), String> {
        let answer = self.converse().await;
        let answer = answer.map_err(|error| format!("client {}: {error}", self.number))?;
        let direct: Summary = serde_json::from_str(&document(self.number))
            .map_err(|error| format!("a direct parse: {error}"))?;
        if answer != format!("{direct}\n") {
            return Err(format!(
                "client {} was answered {answer:?}, a direct parse says: {direct}",
                self.number
            ));
        }
        Ok(())
    }

    /// Sends the document slowly, and returns the answer.
    async fn converse(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.set_nodelay(true)?;
        self.all.wait().await;
        // Not all in the same moment.
        time::sleep(self.pause * (self.number % 16) as u32 / 16).await;
        let mut pace = time::interval(self.pause);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for piece in document(self.number).as_bytes().chunks(self.piece) {
            pace.tick().await;
            stream.write_all(piece).await?;
        }
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

/// About 2 KiB, different for each client.
fn document(client: usize) -> String {
    let reading = |i: usize| {
        let value = client * 31 + i * 7;
        format!(r#"{{"at": {i}, "value": {value}.5, "tags": ["a{value}", null, true]}}"#)
    };
    let readings: Vec<_> = (0..32).map(reading).collect();
    format!(
        r#"{{"client": {client}, "readings": [{}], "nested": [[[[{{"end": -{client}}}]]]]}}"#,
        readings.join(", ")
    )
}
