//! Mails that a gateway has put into a directory.

use std::path::Path;
use std::time::{Duration, Instant};

/// The mail that came, once one has, and its token: the secret and the id. It is taken away.
pub fn next_mail(directory: &Path) -> (String, String, String) {
    let until = Instant::now() + Duration::from_secs(60);
    let path = loop {
        let files = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mail = files
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == "eml"));
        match mail {
            Some(path) => break path,
            None => assert!(Instant::now() < until, "no mail comes"),
        }
        std::thread::yield_now();
    };
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    // Long lines are broken by `=`, and `=` itself is written as `=3D`.
    let text = text.replace("=\r\n", "").replace("=3D", "=");
    let value = |name: &str| {
        let from = text.find(&format!("{name}=")).unwrap() + name.len() + 1;
        let end = text[from..]
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap();
        text[from..from + end].to_owned()
    };
    let (secret, id) = (value("token"), value("tokenId"));
    (text, secret, id)
}
