//! TODO
use crate::project::Project;
pub fn doctor(_p: &Project) -> anyhow::Result<std::process::ExitCode> {
    Ok(std::process::ExitCode::SUCCESS)
}
