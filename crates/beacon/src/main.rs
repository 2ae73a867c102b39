//! The ticket board of HiveMatrix.

use hivematrix_beacon::{config::Settings, run};
use hivematrix_shared::config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run(config::load::<Settings>()).await
}
