//! A disk that loses power: built from the record of `unreliable_disk.c`, it gives the states that the files may be in.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

const RECORD: &str = "UNRELIABLE_RECORD";

/// A disk on which processes work, and the record of what they do there.
pub struct Place {
    place: TempDir,
    pub folder: PathBuf,
}

impl Place {
    /// With these files.
    pub fn new(files: &BTreeMap<PathBuf, Vec<u8>>) -> Place {
        let place = in_memory();
        let folder = place.path().join("disk");
        fs::create_dir(&folder).unwrap();
        write_files(&folder, files);
        Place { place, folder }
    }

    /// What this command does to the disk is recorded.
    pub fn watch(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", shim())
            .env("UNRELIABLE_FOLDER", &self.folder)
            .env(RECORD, self.record());
    }

    /// Puts a mark between the events. For who watches.
    pub fn say(&self, text: &str) {
        mark(&self.record(), text);
    }

    /// What was recorded until now.
    pub fn events(&self) -> Vec<Event> {
        events(&fs::read(self.record()).unwrap())
    }

    /// What was recorded, once the processes have ended.
    pub fn recorded(self) -> Recorded {
        Recorded {
            events: self.events(),
            folder: self.folder,
            _place: self.place,
        }
    }

    fn record(&self) -> PathBuf {
        self.place.path().join("record")
    }
}

/// A process on an unreliable disk: its folder, and what it did there.
pub struct Recorded {
    _place: TempDir,
    pub folder: PathBuf,
    pub events: Vec<Event>,
}

pub struct Event {
    /// As `unreliable_disk.c` writes it.
    pub kind: u8,
    pub path: PathBuf,
    offset: u64,
    data: Vec<u8>,
}

impl Event {
    pub fn is_write(&self) -> bool {
        self.kind == b'w'
    }

    /// Whether a call failed here.
    pub fn is_failure(&self) -> bool {
        [b'f', b'e'].contains(&self.kind)
    }

    /// What the process said here by [`say`].
    pub fn said(&self) -> Option<&str> {
        (self.kind == b'm').then(|| str::from_utf8(&self.data).unwrap())
    }
}

/// What records, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unreliable_disk.so");
        // Another run of the tests may be using it.
        let new = library.with_extension(std::process::id().to_string());
        let mut compile = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
        compile.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&new);
        compile.args(["-x", "c", "-", "-ldl", "-lpthread"]);
        let mut compile = compile.stdin(Stdio::piped()).spawn().unwrap();
        let source = include_str!("unreliable_disk.c");
        compile
            .stdin
            .take()
            .unwrap()
            .write_all(source.as_bytes())
            .unwrap();
        assert!(compile.wait().unwrap().success());
        fs::rename(new, &library).unwrap();
        library
    })
}

/// Puts a mark between the events. For the recorded process.
pub fn say(text: &str) {
    mark(&recorded_here(), text);
}

/// Where what this process does is recorded.
pub fn recorded_here() -> PathBuf {
    std::env::var_os(RECORD).unwrap().into()
}

fn mark(record: &Path, text: &str) {
    let mut bytes = vec![b'm'];
    for number in [0, 0, text.len() as u64] {
        bytes.extend_from_slice(&number.to_ne_bytes());
    }
    bytes.extend_from_slice(text.as_bytes());
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(record)
        .unwrap();
    file.write_all(&bytes).unwrap();
}

pub fn events(mut bytes: &[u8]) -> Vec<Event> {
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at_checked(count)?;
        bytes = rest;
        Some(taken.to_vec())
    };
    let mut events = Vec::new();
    while let Some(kind) = take(1) {
        let mut number = || u64::from_ne_bytes(take(8).unwrap().try_into().unwrap());
        let (offset, path, data) = (number(), number() as usize, number() as usize);
        events.push(Event {
            kind: kind[0],
            path: PathBuf::from(String::from_utf8(take(path).unwrap()).unwrap()),
            offset,
            data: take(data).unwrap(),
        });
    }
    events
}

/// Which part of what was not synced is on the disk.
#[derive(Debug, Clone, Copy)]
pub enum Survives {
    Nothing,
    All,
    /// Of each write none, half or all, the same for the same number.
    Some(u64),
    /// Any of the sectors of all writes, in any order, some of them torn, the same for the same number.
    Sectors(u64),
}

/// What a disk writes at once.
const SECTOR: u64 = 512;

/// Numbers by chance, the same for the same seed.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        // Neighbouring seeds have nothing in common.
        let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Chance((state ^ state >> 27) | 1)
    }

    /// A number below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as usize) % count
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

impl Survives {
    /// The same for one of several files.
    fn of(self, node: usize) -> Survives {
        match self {
            Survives::Sectors(seed) => Survives::Sectors(seed ^ (node as u64) << 40),
            survives => survives,
        }
    }

    /// Of each of so many changes, in thirds: none of it, half of it, or all.
    fn thirds(self, count: usize) -> Vec<u8> {
        match self {
            Survives::Nothing => vec![0; count],
            Survives::All => vec![2; count],
            Survives::Some(seed) | Survives::Sectors(seed) => {
                let mut chance = Chance::new(seed);
                (0..count).map(|_| chance.below(3) as u8).collect()
            }
        }
    }
}

enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Default)]
struct Node {
    synced: Vec<u8>,
    since: Vec<Change>,
}

impl Node {
    fn content(&self, survives: Survives) -> Vec<u8> {
        if let Survives::Sectors(seed) = survives {
            return self.sectors(&mut Chance::new(seed));
        }
        let mut content = self.synced.clone();
        for (change, thirds) in self.since.iter().zip(survives.thirds(self.since.len())) {
            match change {
                Change::Length(length) if thirds > 0 => content.resize(*length as usize, 0),
                Change::Length(_) => {}
                Change::Write(at, bytes) => {
                    put(
                        &mut content,
                        *at,
                        &bytes[..bytes.len() * usize::from(thirds) / 2],
                        0,
                    );
                }
            }
        }
        content
    }

    /// Each sector is as one of the writes left it, or as it was when the file was synced: which writes reached
    /// the disk, and in which order, makes no other difference.
    fn sectors(&self, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.synced.clone();
        // In percent.
        let share = [0, 10, 50, 90, 100][chance.below(5)];
        // Blocks that were given to a file may show what they held before.
        let unwritten = if chance.one_in(8) { 0xa5 } else { 0 };
        for change in &self.since {
            match change {
                Change::Length(length) => {
                    if chance.below(100) < share {
                        content.resize(*length as usize, 0);
                    }
                }
                Change::Write(at, bytes) => {
                    let mut rest = &bytes[..];
                    let mut at = *at;
                    while !rest.is_empty() {
                        let (sector, behind) = rest.split_at(rest.len().min((SECTOR - at % SECTOR) as usize));
                        if chance.below(100) < share {
                            let torn = chance.one_in(200);
                            let length = if torn {
                                chance.below(sector.len())
                            } else {
                                sector.len()
                            };
                            put(&mut content, at, &sector[..length], unwritten);
                        }
                        at += sector.len() as u64;
                        rest = behind;
                    }
                }
            }
        }
        content
    }
}

/// Writes there; what lies between the end and there is filled.
fn put(content: &mut Vec<u8>, at: u64, bytes: &[u8], filler: u8) {
    let (start, end) = (at as usize, at as usize + bytes.len());
    if !bytes.is_empty() {
        content.resize(content.len().max(end), filler);
        content[start..end].copy_from_slice(bytes);
    }
}

type Names = BTreeMap<PathBuf, usize>;

/// The files as the process sees them, and which of it is safe.
pub struct Disk {
    nodes: Vec<Node>,
    names: Names,
    synced_names: Names,
    /// Names that changed since their folder was synced, in order: their nodes now, none if removed.
    changed_names: Vec<(PathBuf, Option<usize>)>,
    kept_on_failure: Survives,
}

impl Disk {
    /// `kept_on_failure`: what is on the disk of what a failed sync should have put there; the rest is
    /// never written, though the process sees it.
    pub fn new(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>, kept_on_failure: Survives) -> Disk {
        let nodes = files.values().map(|bytes| Node {
            synced: bytes.clone(),
            since: Vec::new(),
        });
        let names: Names = files.keys().map(|name| folder.join(name)).zip(0..).collect();
        Disk {
            nodes: nodes.collect(),
            synced_names: names.clone(),
            names,
            changed_names: Vec::new(),
            kept_on_failure,
        }
    }

    pub fn apply(&mut self, event: &Event) {
        let path = &event.path;
        let to = || PathBuf::from(str::from_utf8(&event.data).unwrap());
        match event.kind {
            b'c' | b'd' => {
                self.nodes.push(Node::default());
                self.name(path.clone(), Some(self.nodes.len() - 1));
            }
            b'w' => self.change(path, Change::Write(event.offset, event.data.clone())),
            b't' => self.change(path, Change::Length(event.offset)),
            b's' | b'f' => {
                let reached = if event.kind == b's' {
                    Survives::All
                } else {
                    self.kept_on_failure
                };
                if let Some((at, node)) = self.names.get(path).map(|at| (*at, &mut self.nodes[*at])) {
                    node.synced = node.content(reached.of(at));
                    node.since.clear();
                }
                let in_folder = |name: &Path| event.kind == b's' && name.parent() == Some(path);
                for (name, node) in self.changed_names.extract_if(.., |(name, _)| in_folder(name)) {
                    rename(&mut self.synced_names, name, node);
                }
            }
            b'r' => {
                let node = self.names[path];
                self.name(to(), Some(node));
                self.name(path.clone(), None);
            }
            b'l' => self.name(to(), Some(self.names[path])),
            b'u' => self.name(path.clone(), None),
            _ => {}
        }
    }

    fn change(&mut self, path: &Path, change: Change) {
        // What is still written to a file without a name is gone in any case.
        if let Some(at) = self.names.get(path) {
            self.nodes[*at].since.push(change);
        }
    }

    fn name(&mut self, path: PathBuf, node: Option<usize>) {
        rename(&mut self.names, path.clone(), node);
        self.changed_names.push((path, node));
    }

    /// Whether this name is there whatever happens.
    pub fn keeps(&self, path: &Path) -> bool {
        self.synced_names.contains_key(path)
    }

    /// Writes to `folder` what would be found after losing power now. Changes of names survive in
    /// their order, as in every file system with a journal.
    pub fn lose_power(&self, folder: &Path, survives: Survives) {
        let mut names = self.synced_names.clone();
        let kept = match survives {
            Survives::Nothing => 0,
            Survives::All => self.changed_names.len(),
            Survives::Some(seed) => seed as usize % (self.changed_names.len() + 1),
            Survives::Sectors(seed) => Chance::new(seed).below(self.changed_names.len() + 1),
        };
        for (name, node) in &self.changed_names[..kept] {
            rename(&mut names, name.clone(), *node);
        }
        let files = names.iter().map(|(name, node)| {
            let name = PathBuf::from(name.file_name().unwrap());
            (name, self.nodes[*node].content(survives.of(*node)))
        });
        // The index of the log is made anew by the first that opens the file.
        let files = files.filter(|(name, _)| !name.to_string_lossy().ends_with("-shm"));
        write_files(folder, &files.collect());
    }
}

fn rename(names: &mut Names, name: PathBuf, node: Option<usize>) {
    match node {
        Some(node) => names.insert(name, node),
        None => names.remove(&name),
    };
}

fn write_files(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// A folder where syncing takes no time, if the system has one.
pub fn in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| TempDir::new().unwrap())
}
