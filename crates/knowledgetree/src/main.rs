//! The `hivematrix-knowledgetree` binary.

use hivematrix_knowledgetree::config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    hivematrix_knowledgetree::run(config::load()).await
}
