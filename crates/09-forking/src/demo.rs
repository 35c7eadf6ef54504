//! The lesson in one terminal. No process numbers: they differ from run to run.

use std::io::Write;

use anyhow::Result;

use crate::experiments;

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "TREE: a process for each caller, and what each has open\n"
    )?;
    experiments::tree(out)?;
    writeln!(out, "\nINHERIT: what a child has from its parent\n")?;
    experiments::inherit(out)?;
    writeln!(out, "\nZOMBIES: ended, and not collected\n")?;
    experiments::zombies(out)?;
    writeln!(out, "\nCRASH: what goes wrong in one process\n")?;
    experiments::crash(out)?;
    writeln!(out, "\nPREFORK: two workers, and a third\n")?;
    experiments::replace(out)?;
    writeln!(out, "\nLAUNCH: a program that knows nothing of sockets\n")?;
    experiments::launch(out)
}
