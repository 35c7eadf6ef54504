//! A server with a certificate made for the test, and a client that trusts it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
};
use socketserver::{
    Builder, Conn, Error, Handle, Next, Result, Server, Stats, Strategy, Streams,
};

/// A name that the certificate is for.
pub const NAME: &str = "localhost";

/// Nothing here takes so long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The certificate of all servers here, which vouches for itself.
pub fn identity() -> &'static CertifiedKey<KeyPair> {
    static IDENTITY: OnceLock<CertifiedKey<KeyPair>> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap()
    })
}

pub fn server_config() -> Arc<ServerConfig> {
    let chain = vec![identity().cert.der().clone()];
    let key =
        PrivateKeyDer::try_from(identity().signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    Arc::new(config.with_single_cert(chain, key).unwrap())
}

/// An error's kind, where it is one of input and output, and its words.
pub type Reported = (Option<io::ErrorKind>, String);

/// A server that is stopped when it is dropped.
pub struct Running {
    pub addr: SocketAddr,
    pub handle: Handle,
    errors: Arc<Mutex<Vec<Reported>>>,
    serving: Option<JoinHandle<io::Result<Stats>>>,
}

/// Serves lines in capital letters.
pub fn running(strategy: Strategy) -> Running {
    running_with(strategy, |builder| builder)
}

/// The same with other settings.
pub fn running_with(
    strategy: Strategy,
    set: impl FnOnce(Builder<Streams>) -> Builder<Streams>,
) -> Running {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&errors);
    let report = move |_: &_, error: &Error| {
        let kind = match error {
            Error::Failed(_, error) => error.downcast_ref().map(io::Error::kind),
            _ => None,
        };
        told.lock().unwrap().push((kind, error.to_string()));
    };
    let builder = Server::tcp("127.0.0.1:0")
        .tls(server_config())
        .on_error(report);
    let server = set(builder).bind().unwrap();
    let addr = server.local_addr().as_inet().unwrap();
    let handle = server.handle();
    let serving = thread::spawn(move || server.serve(strategy, |_| upper));
    Running {
        addr,
        handle,
        errors,
        serving: Some(serving),
    }
}

impl Running {
    /// Stops it, and says what it has done.
    pub fn stop(mut self) -> Stats {
        self.handle.shutdown();
        self.serving.take().unwrap().join().unwrap().unwrap()
    }

    /// What was reported so far.
    pub fn errors(&self) -> Vec<Reported> {
        self.errors.lock().unwrap().clone()
    }

    /// A connection without TLS.
    pub fn raw(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A client that trusts the server's certificate.
    pub fn client(&self) -> StreamOwned<ClientConnection, TcpStream> {
        StreamOwned::new(client_session(), self.raw())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

pub fn client_session() -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(identity().cert.der().clone()).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

pub fn upper(conn: &mut Conn) -> Result<Next> {
    let Some(mut line) = conn.line(4 << 20)? else {
        return Ok(Next::Close);
    };
    line.make_ascii_uppercase();
    line.push(b'\n');
    conn.write_all(&line)?;
    Ok(Next::Again)
}

/// Everything that a thread can run.
pub const STRATEGIES: [Strategy; 4] = [
    Strategy::Inline,
    Strategy::Threads { max: 100 },
    Strategy::Pool {
        workers: 2,
        queue: 100,
    },
    Strategy::Parked {
        workers: 1,
        max: 100,
    },
];

/// Says a line and reads the answer.
pub fn ask(stream: &mut (impl io::Read + Write), line: &str) -> String {
    stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    // No byte is read ahead of the line: the next question has a reader of its own.
    BufReader::with_capacity(1, stream)
        .read_line(&mut answer)
        .unwrap();
    answer
}
