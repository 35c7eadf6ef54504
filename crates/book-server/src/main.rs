//! `book-server`: builds the book, checks it, or shows it on this machine.

use std::env;
use std::fs;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use book_server::book::{self, Built, Project};
use book_server::live::{self, Live};
use book_server::{http, watch};
use clap::{Arg, ArgMatches, Command, value_parser};
use tokio::sync::{oneshot, watch as changes};

/// Where the live book is looked for first.
const PORT: u16 = 4321;

fn main() -> ExitCode {
    let arguments = command().get_matches();
    let outcome = match arguments.subcommand() {
        Some(("build", arguments)) => build(arguments),
        Some(("check", arguments)) => check(arguments),
        Some(("serve", arguments)) => serve(arguments),
        _ => unreachable!("a subcommand is required, and there are three"),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("book-server: {error:#}");
        ExitCode::from(if error.is::<Unusable>() { 2 } else { 1 })
    })
}

fn command() -> Command {
    let root = Arg::new("root")
        .long("root")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .help("The project's root [default: the nearest folder with book/book.toml]");
    let dest = Arg::new("dest")
        .long("dest")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .help("Where the pages go [default: book/book below the root]");
    let port = Arg::new("port")
        .long("port")
        .value_name("N")
        .value_parser(value_parser!(u16))
        .help(format!(
            "The port to listen on; 0 for any [default: {PORT}]"
        ));
    Command::new("book-server")
        .about("The course's book: static pages, or live ones on this machine")
        .subcommand_required(true)
        .subcommand(
            Command::new("build")
                .about("Build the static book, if nothing is wrong with it")
                .args([&root, &dest]),
        )
        .subcommand(
            Command::new("check")
                .about("Look for what is wrong with the book, and keep nothing")
                .arg(&root),
        )
        .subcommand(
            Command::new("serve")
                .about("Show the book on 127.0.0.1 until standard input ends")
                .args([&root, &port]),
        )
}

/// The arguments cannot be used as they are: exit code 2, not 1.
#[derive(Debug)]
struct Unusable(String);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

fn project(arguments: &ArgMatches) -> Result<Project> {
    let is_root = |folder: &Path| folder.join("book/book.toml").is_file();
    let here = env::current_dir().context("cannot tell the current folder")?;
    if let Some(root) = arguments.get_one::<PathBuf>("root") {
        let root = here.join(root);
        if !is_root(&root) {
            bail!(Unusable(format!(
                "{} has no book/book.toml",
                root.display()
            )));
        }
        return Ok(Project::at(root));
    }
    match here.ancestors().find(|folder| is_root(folder)) {
        Some(root) => Ok(Project::at(root)),
        None => bail!(Unusable(format!(
            "no book/book.toml in {} or above; try --root DIR",
            here.display()
        ))),
    }
}

fn build(arguments: &ArgMatches) -> Result<ExitCode> {
    let project = project(arguments)?;
    let dest = match arguments.get_one::<PathBuf>("dest") {
        Some(dest) => env::current_dir()?.join(dest),
        None => project.book().join("book"),
    };
    if !may_replace(&dest)? {
        let dest = dest.display();
        bail!(Unusable(format!("{dest} holds something else than a book")));
    }
    let Some(built) = checked(&project) else {
        return Ok(ExitCode::FAILURE);
    };
    write(&dest, &built)
        .with_context(|| format!("cannot write {}", dest.display()))?;
    println!("the book is in {}", dest.display());
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &ArgMatches) -> Result<ExitCode> {
    let built = checked(&project(arguments)?);
    Ok(built.map_or(ExitCode::FAILURE, |_| ExitCode::SUCCESS))
}

/// Builds, and tells what came of it; none when something is wrong.
fn checked(project: &Project) -> Option<Built> {
    let start = Instant::now();
    let built = book::build(project);
    for finding in &built.findings {
        println!("{finding}");
    }
    if !built.findings.is_empty() {
        let count = built.findings.len();
        println!(
            "the book has {count} finding{}",
            if count == 1 { "" } else { "s" }
        );
        return None;
    }
    let is_page = |path: &&String| path.ends_with(".html");
    println!(
        "{} pages, {} exercise boxes, no finding; {:.2} s",
        built.files.keys().filter(is_page).count(),
        built.boxes,
        start.elapsed().as_secs_f64()
    );
    Some(built)
}

/// A folder is emptied only if it is empty already or was written by mdBook.
fn may_replace(dest: &Path) -> Result<bool> {
    let entries = match fs::read_dir(dest) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => bail!("cannot look into {}: {error}", dest.display()),
    };
    let ours = ["toc.html", "index.html"];
    let is_book = ours.iter().all(|name| dest.join(name).is_file());
    Ok(is_book || entries.count() == 0)
}

/// Writes the book beside `dest` and puts it there as a whole: whoever kills us leaves
/// the old book, the new one or none, but no piece, which would not be replaced.
fn write(dest: &Path, built: &Built) -> io::Result<()> {
    let name = dest.file_name().unwrap_or_default().display();
    let beside = |what| dest.with_file_name(format!(".{name}.{what}"));
    let (new, old) = (beside("new"), beside("old"));
    if_there(fs::remove_dir_all(&new))?;
    if_there(fs::remove_dir_all(&old))?;
    for (path, bytes) in &built.files {
        let path = new.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)?;
    }
    if_there(fs::rename(dest, &old))?;
    fs::rename(&new, dest)?;
    if_there(fs::remove_dir_all(&old))
}

/// What was to be moved or removed need not have been there.
fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn serve(arguments: &ArgMatches) -> Result<ExitCode> {
    let project = project(arguments)?;
    let listener = listen(arguments.get_one("port").copied().unwrap_or(PORT))?;
    listener.set_nonblocking(true)?;
    // Our parent waits for this line; it knows before we do whether anybody reads it.
    let address = listener.local_addr()?;
    let _ = writeln!(io::stdout(), "listening on http://{address}/");

    let (sender, receiver) = changes::channel(Live::default());
    let building = Arc::new(Mutex::new(()));
    let (builder, busy) = (sender.clone(), Arc::clone(&building));
    thread::spawn(move || watch::keep_built(&project, &builder, &busy));
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        let heard = live::listen(BufReader::new(io::stdin()), &sender);
        // The receiver is dropped only when the process ends anyway.
        let _ = end.send(heard);
    });

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the server's runtime")?;
    let heard = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(http::serve(listener, receiver));
        ended.await.unwrap_or(Ok(()))
    });
    let _last_build = building.lock();
    heard.context("cannot read standard input")?;
    Ok(ExitCode::SUCCESS)
}

/// Listens on this port of 127.0.0.1 or, where it is taken, on another, and says so.
fn listen(port: u16) -> Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            eprintln!("book-server: port {port} is taken; taking another");
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        }
        result => result,
    }
    .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))
}
