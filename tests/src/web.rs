//! A small web server on loopback that can misbehave.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

/// Answer to a request for a path, in place of the file.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The file, as an honest server sends it.
    File,
    /// A status, more header lines, and a body.
    Status(u16, Vec<String>, Vec<u8>),
    /// Redirect to another address.
    Redirect(String),
    /// So many bytes of the file, then the connection ends.
    Cut(usize),
    /// So many bytes with no length announced, then the end.
    CutWithoutLength(usize),
    /// Zeros without end.
    Endless,
    /// A byte now and then.
    Drip,
    /// So many bytes of the file, then nothing, until the client goes away.
    Hang(usize),
    /// The whole file whatever part was asked for.
    WithoutRange,
    /// The file, after so many milliseconds.
    Late(u64),
    /// These bytes, which need not be HTTP, then the connection ends.
    Raw(Vec<u8>),
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Decoded path.
    pub path: String,
    /// The header lines, names in lower case.
    pub headers: HashMap<String, String>,
}

struct State {
    root: PathBuf,
    /// Answers by path: the first ones once each, the last one for ever.
    answers: Mutex<HashMap<String, Vec<Answer>>>,
    seen: Mutex<Vec<Seen>>,
    ended: AtomicBool,
    /// Connections are refused, as if a firewall had cut the server off.
    refusing: AtomicBool,
}

/// A server; it ends when it is dropped.
pub struct Server {
    state: Arc<State>,
    port: u16,
}

impl Server {
    /// Serves the files in a folder.
    pub fn new(root: impl Into<PathBuf>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            root: root.into(),
            answers: Mutex::default(),
            seen: Mutex::default(),
            ended: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
        });
        let for_thread = state.clone();
        thread::spawn(move || {
            let mut listener = Some(listener);
            while !for_thread.ended.load(Ordering::SeqCst) {
                if for_thread.refusing.load(Ordering::SeqCst) {
                    listener = None;
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
                let open = listener.get_or_insert_with(|| TcpListener::bind(("127.0.0.1", port)).unwrap());
                let stream = open.accept();
                let state = for_thread.clone();
                // A client that goes away is none of the server's business.
                thread::spawn(move || stream.map(|(stream, _)| serve(&state, stream)));
            }
        });
        Server { state, port }
    }

    /// Refuses connections and cuts those that there are, or serves again.
    pub fn refuse(&self, refuse: bool) {
        self.state.refusing.store(refuse, Ordering::SeqCst);
        // A connection wakes the thread that waits for one. The next step of the test must find the server in the
        // wanted state.
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() == refuse {
            thread::yield_now();
        }
    }

    /// Address of the server.
    pub fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Changes what a path answers.
    pub fn on(&self, path: &str, answer: Answer) {
        self.on_each(path, &[answer]);
    }

    /// Changes what a path answers first, second and so on; the last answer stays.
    pub fn on_each(&self, path: &str, answers: &[Answer]) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), answers.to_vec());
    }

    /// The requests since the last call.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.state.seen.lock().unwrap())
    }

    /// The paths that were asked for since the last call.
    pub fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.path).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(state: &State, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    while let Some(seen) = read_request(&mut reader)? {
        if state.refusing.load(Ordering::SeqCst) {
            return Ok(());
        }
        state.seen.lock().unwrap().push(seen.clone());
        let answer = {
            let mut answers = state.answers.lock().unwrap();
            match answers.get_mut(&seen.path) {
                Some(list) if list.len() > 1 => list.remove(0),
                Some(list) => list[0].clone(),
                None => Answer::File,
            }
        };
        if !reply(state, &seen, &answer, &mut out)? {
            return Ok(());
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Seen>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = decode(line.split(' ').nth(1).unwrap_or("/"));
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Ok(Some(Seen { path, headers }))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'%').then(|| [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')]);
        match digits {
            Some(digits) => bytes.push(u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap()),
            None => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Sends an answer; returns true when the connection may be used again.
fn reply(state: &State, seen: &Seen, answer: &Answer, out: &mut TcpStream) -> std::io::Result<bool> {
    match answer {
        Answer::File => file(state, seen, true, out),
        Answer::WithoutRange => file(state, seen, false, out),
        Answer::Late(milliseconds) => {
            thread::sleep(Duration::from_millis(*milliseconds));
            file(state, seen, true, out)
        }
        Answer::Status(code, headers, body) => {
            let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
            write!(out, "HTTP/1.1 {code} x\r\n{headers}Content-Length: {}\r\n\r\n", body.len())?;
            out.write_all(body)?;
            Ok(true)
        }
        Answer::Raw(bytes) => {
            out.write_all(bytes)?;
            Ok(false)
        }
        Answer::Redirect(to) => {
            write!(out, "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")?;
            Ok(true)
        }
        Answer::Cut(count) | Answer::CutWithoutLength(count) => {
            let bytes = fs::read(state.root.join(seen.path.trim_start_matches('/')))?;
            let (start, status) = range(seen, bytes.len());
            let rest = &bytes[start..];
            write!(out, "HTTP/1.1 {status}\r\nETag: \"{}\"\r\n", bytes.len())?;
            if start > 0 {
                write!(out, "Content-Range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len())?;
            }
            if matches!(answer, Answer::Cut(_)) {
                write!(out, "Content-Length: {}\r\n", rest.len())?;
            }
            write!(out, "Connection: close\r\n\r\n")?;
            out.write_all(&rest[..(*count).min(rest.len())])?;
            Ok(false)
        }
        Answer::Hang(count) => {
            let bytes = fs::read(state.root.join(seen.path.trim_start_matches('/')))?;
            write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
            out.write_all(&bytes[..*count])?;
            // Returns when the client closes its end.
            std::io::Read::read(out, &mut [0]).map(|_| false)
        }
        Answer::Endless => {
            write!(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                out.write_all(&[0; 4096])?;
            }
        }
        Answer::Drip => {
            write!(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                out.write_all(b"x")?;
                out.flush()?;
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn range(seen: &Seen, size: usize) -> (usize, &'static str) {
    let range = seen.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let fits = seen.headers.get("if-range").is_none_or(|tag| *tag == format!("\"{size}\""));
    match range.and_then(|start| start.parse().ok()).filter(|start| *start < size && fits) {
        Some(start) => (start, "206 Partial Content"),
        None => (0, "200 OK"),
    }
}

fn file(state: &State, seen: &Seen, ranges: bool, out: &mut TcpStream) -> std::io::Result<bool> {
    let path = state.root.join(seen.path.trim_start_matches('/'));
    if path.is_dir() {
        return folder(&path, out);
    }
    let Ok(bytes) = fs::read(&path) else {
        let body = "<html><head><title>404 Not Found</title></head></html>";
        write!(out, "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        return Ok(true);
    };
    let time = fs::metadata(&path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let etag = format!("\"{}\"", bytes.len());
    // Files may be changed within a second and without changing their size: the tag has more of the time.
    let tag = if seen.path.contains("Release") { format!("\"{:x}\"", time.as_nanos()) } else { etag };
    if seen.headers.get("if-none-match") == Some(&tag) {
        write!(out, "HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n")?;
        return Ok(true);
    }
    let (start, status) = if ranges { range(seen, bytes.len()) } else { (0, "200 OK") };
    write!(out, "HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {}\r\n", bytes.len() - start)?;
    if start > 0 {
        write!(out, "Content-Range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len())?;
    }
    write!(out, "\r\n")?;
    out.write_all(&bytes[start..])?;
    Ok(true)
}

fn folder(path: &std::path::Path, out: &mut TcpStream) -> std::io::Result<bool> {
    let mut names: Vec<String> = fs::read_dir(path)?
        .flatten()
        .map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            format!("{}{slash}", entry.file_name().to_string_lossy())
        })
        .collect();
    names.sort();
    let links: String = names.iter().map(|name| format!("<a href=\"{name}\">{name}</a>\n")).collect();
    let body = format!("<html><head><title>Index of /</title></head><body>{links}</body></html>");
    write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    Ok(true)
}
