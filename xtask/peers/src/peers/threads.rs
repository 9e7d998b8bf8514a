//! Threads of the operating system that hand values through channels, all on one processor.

use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::json::{self, Piece};
use crate::shared::pipeline::{Items, pipeline};
use crate::shared::tree::{self, Tree};
use crate::work::{Life, Value, Work};
use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

pub struct Threads;

impl Peer for Threads {
    fn name(&self) -> &'static str {
        "threads"
    }

    fn version(&self) -> String {
        "std::thread, std::sync::mpsc".to_owned()
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip {
                value: Value::Unit,
                depth: 0,
            } => vec![round_trip(|_| ())],
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            } => vec![round_trip(|i| i)],
            Work::RoundTrip {
                value: Value::Large,
                depth: 0,
            } => {
                vec![round_trip(|i| [i as u64; 8])]
            }
            Work::Life(Life::NewStack(bytes)) => vec![Contestant::new("spawn, join", move |i| {
                let builder = thread::Builder::new().stack_size(bytes);
                let thread = builder.spawn(move || i).expect("a thread");
                let _ = black_box(thread.join());
            })],
            Work::Pipeline => vec![pipeline("", source, stage)],
            Work::Tree => vec![tree::tree("", walk)],
            Work::Json => vec![json::json("", parser)],
            _ => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        let crowd = Crowd::new("", || {
            let (started, starts) = channel();
            let builder = thread::Builder::new().stack_size(256 << 10);
            let thread = builder.spawn(move || {
                let _ = started.send(());
                loop {
                    thread::park();
                }
            });
            let thread: thread::JoinHandle<()> = thread.map_err(|error| error.to_string())?;
            starts.recv().map_err(|error| error.to_string())?;
            Ok(thread)
        });
        // Every one takes an entry of the system's table of processes from all other programs.
        vec![Crowd {
            most: 4_000,
            ..crowd
        }]
    }
}

fn round_trip<T: Send + 'static>(value: impl Fn(usize) -> T + 'static) -> Contestant {
    let (there, arrives) = channel::<T>();
    let (back, returns) = channel();
    thread::spawn(move || arrives.into_iter().try_for_each(|value| back.send(value)));
    Contestant::new("", move |i| {
        there.send(value(i)).expect("the thread receives for ever");
        let _ = black_box(returns.recv());
    })
}

/// A thread that sends, never more than one item ahead of who asks.
fn items(body: impl FnOnce(&SyncSender<usize>) + Send + 'static) -> Receiver<usize> {
    let (send, receive) = sync_channel(0);
    thread::spawn(move || body(&send));
    receive
}

fn source() -> Items {
    Box::new(
        items(|send| {
            (0..)
                .take_while(|&item| send.send(item).is_ok())
                .for_each(drop)
        })
        .into_iter(),
    )
}

/// The items of the stage before are not `Send`: its thread is known by its channel only.
fn stage(before: Items) -> Items {
    let (send, receive) = sync_channel(0);
    let before = AssertSend(before);
    thread::spawn(move || {
        let before = before;
        before
            .0
            .map(|item| item + 1)
            .take_while(|&item| send.send(item).is_ok())
            .for_each(drop);
    });
    Box::new(receive.into_iter())
}

struct AssertSend(Items);

// SAFETY: what is inside is the receiving end of a channel of numbers, as `source` and `stage`
// make it, which may go to another thread.
unsafe impl Send for AssertSend {}

fn walk(tree: &'static Tree) -> Items {
    fn visit(tree: &Tree, send: &SyncSender<usize>) {
        let children = tree.children.as_deref();
        if let Some([left, _]) = children {
            visit(left, send);
        }
        let _ = send.send(tree.value);
        if let Some([_, right]) = children {
            visit(right, send);
        }
    }
    Box::new(items(|send| visit(tree, send)).into_iter())
}

fn parser() -> json::Parser {
    let (pieces, arrive): (Sender<Piece>, _) = channel();
    let (wants, wanted) = channel();
    thread::spawn(move || {
        let next = || arrive.recv().unwrap_or_default();
        let elements = json::parse(next(), || {
            let _ = wants.send(None);
            next()
        });
        let _ = wants.send(Some(elements));
    });
    Box::new(move |piece| {
        pieces
            .send(piece)
            .expect("the thread receives up to the last piece");
        wanted.recv().ok().flatten()
    })
}
