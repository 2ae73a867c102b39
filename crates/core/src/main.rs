//! The `hivematrix-core` binary.

use hivematrix_core::config::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    hivematrix_core::run(hivematrix_shared::config::load::<Settings>()).await
}
