//! Python's `ssl` at the other end of every strategy, those with processes too.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::identity;

const CLIENT: &str = r#"
import socket, ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
context = ssl.create_default_context(cafile=sys.argv[2])
for _ in range(3):
    raw = socket.create_connection((host, int(port)), timeout=20)
    with context.wrap_socket(raw, server_hostname="localhost") as stream:
        lines = stream.makefile("rwb")
        for word in (b"hello", b"gr\xc3\xbc\xc3\x9fe", b"x" * 50_000):
            lines.write(word + b"\n")
            lines.flush()
            # The server knows no letters but those of ASCII, as `bytes.upper`.
            assert lines.readline() == word.upper() + b"\n", word[:20]
        stream.unwrap()
print(stream.version() or "closed in order")
"#;

/// The server's process, ended with its children when this is dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn python_talks_to_every_strategy() {
    let folder = std::env::temp_dir().join(format!("tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::write(&certificate, identity().cert.pem()).unwrap();
    fs::write(&key, identity().signing_key.serialize_pem()).unwrap();
    let trusted = certificate.to_str().unwrap();
    for word in ["inline", "threads", "pool", "fork", "prefork", "parked"] {
        let mut server = Command::new(env!("CARGO_BIN_EXE_socketserver-tls"));
        server
            .arg(word)
            .args([&certificate, &key])
            .arg("127.0.0.1:0");
        let mut server = Serving(server.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        let out = server.0.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("listening on ").unwrap();
        let Some(mut client) = wire::demo::python(CLIENT, &[addr, trusted]) else {
            break;
        };
        let output = client.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{word}: {told}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_wrong_with_the_words_is_said() {
    for (args, code, words) in [
        (&[][..], 2, "usage"),
        (&["twice", "a", "b"], 2, "`twice` is no strategy"),
        (&["inline", "/nowhere", "b"], 1, "cannot read /nowhere"),
        (&["inline", "Cargo.toml", "b"], 1, "cannot read b"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_socketserver-tls"))
            .args(args)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        assert!(told.contains(words), "{args:?}: {told}");
    }
}
