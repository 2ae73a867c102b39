//! The store in PostgreSQL, for machines without Neo4j.

mod connection;
mod context;
mod files;
mod load;
mod place;
mod read;
mod rows;
mod search;
mod sync;
mod sync_write;
mod transfer;
mod trash;
mod write;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use sqlx::PgPool;

use super::{KnowledgeStore, Result, StoreKind, retry::retry};
use crate::domain::{
    files::{FileRecord, NewFile},
    history::{Version, VersionSummary},
    item::{Author, Expected, Item, ItemChange, Named, NewItem, Visibility},
    listing::{Child, FolderNode, Listing, Place},
    material::{ContextMaterial, MaterialQuery, SubtreeMaterial},
    records::{ExportRow, ImportReport, ImportRow, Record},
    search::{SearchHit, SearchQuery},
    synced::{CompanyRow, ContextOwner, Counts, SyncOutcome, SyncRun, SyncedItem, TicketRow},
    trash::{Purged, TrashEntry},
};

/// The tree in a database of its own, whose tables [`super::MIGRATOR`] makes.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// The store in a database. Call [`KnowledgeStore::set_up`] before anything else.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl KnowledgeStore for PostgresStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Postgres
    }

    async fn ping(&self) -> Result<()> {
        sqlx::raw_sql("select 1").execute(&self.pool).await?;
        Ok(())
    }

    async fn set_up(&self) -> Result<()> {
        load::set_up(&self.pool).await
    }

    async fn item(&self, id: &str, visibility: Visibility) -> Result<Item> {
        read::item(&self.pool, id, visibility).await
    }

    async fn resolve(&self, path: &[String], visibility: Visibility) -> Result<Named> {
        read::resolve(&self.pool, path, visibility).await
    }

    async fn browse(&self, place: Place<'_>, excerpts: bool, visibility: Visibility) -> Result<Listing> {
        read::browse(&self.pool, place, excerpts, visibility).await
    }

    async fn children(&self, id: &str, visibility: Visibility) -> Result<Vec<Child>> {
        Ok(read::browse(&self.pool, Place::Id(id), false, visibility).await?.children)
    }

    async fn children_with_content(&self, id: &str, visibility: Visibility) -> Result<Vec<Item>> {
        read::children_with_content(&self.pool, id, visibility).await
    }

    async fn breadcrumbs(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
        read::breadcrumbs(&self.pool, id, visibility).await
    }

    async fn folder_tree(&self, visibility: Visibility) -> Result<FolderNode> {
        read::folder_tree(&self.pool, visibility).await
    }

    async fn back_links(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
        read::back_links(&self.pool, id, visibility).await
    }

    async fn search(&self, query: &SearchQuery<'_>) -> Result<Vec<SearchHit>> {
        search::search(&self.pool, query).await
    }

    async fn create(&self, item: &NewItem, author: &Author<'_>) -> Result<Item> {
        retry(|| write::create(&self.pool, item, author)).await
    }

    async fn update(
        &self,
        id: &str,
        change: &ItemChange,
        expected: Option<Expected>,
        author: &Author<'_>,
    ) -> Result<Item> {
        retry(|| write::update(&self.pool, id, change, expected, author)).await
    }

    async fn move_to(&self, id: &str, new_parent_id: &str, author: &Author<'_>) -> Result<()> {
        retry(|| place::move_to(&self.pool, id, new_parent_id, author)).await
    }

    async fn copy(
        &self,
        id: &str,
        new_parent_id: &str,
        name: Option<&str>,
        author: &Author<'_>,
    ) -> Result<Item> {
        retry(|| place::copy(&self.pool, id, new_parent_id, name, author)).await
    }

    async fn trash(&self, id: &str, author: &Author<'_>) -> Result<u64> {
        retry(|| trash::trash(&self.pool, id, author)).await
    }

    async fn trashed(&self) -> Result<Vec<TrashEntry>> {
        trash::trashed(&self.pool).await
    }

    async fn restore(&self, id: &str, name: Option<&str>, author: &Author<'_>) -> Result<Item> {
        retry(|| trash::restore(&self.pool, id, name, author)).await
    }

    async fn purge(&self, id: &str) -> Result<Purged> {
        retry(|| trash::purge(&self.pool, id)).await
    }

    async fn purge_expired(&self, before: DateTime<Utc>) -> Result<Purged> {
        retry(|| trash::purge_expired(&self.pool, before)).await
    }

    async fn versions(&self, id: &str, visibility: Visibility) -> Result<Vec<VersionSummary>> {
        files::versions(&self.pool, id, visibility).await
    }

    async fn version(&self, id: &str, version: i64, visibility: Visibility) -> Result<Version> {
        files::version(&self.pool, id, version, visibility).await
    }

    async fn add_file(&self, item_id: &str, file: &NewFile, author: &Author<'_>) -> Result<FileRecord> {
        retry(|| files::add(&self.pool, item_id, file, author)).await
    }

    async fn files(&self, item_id: &str, visibility: Visibility) -> Result<Vec<FileRecord>> {
        files::of_item(&self.pool, item_id, visibility).await
    }

    async fn file_by_name(&self, filename: &str, visibility: Visibility) -> Result<(FileRecord, String)> {
        files::by_stored_name(&self.pool, filename, visibility).await
    }

    async fn delete_file(&self, file_id: &str) -> Result<FileRecord> {
        retry(|| files::delete(&self.pool, file_id)).await
    }

    async fn unreferenced(&self, hashes: &[String]) -> Result<Vec<String>> {
        files::unreferenced(&self.pool, hashes).await
    }

    async fn link_context(&self, owner: ContextOwner<'_>, item_id: &str) -> Result<()> {
        retry(|| context::link(&self.pool, owner, item_id)).await
    }

    async fn unlink_context(&self, owner: ContextOwner<'_>, item_id: &str) -> Result<()> {
        retry(|| context::unlink(&self.pool, owner, item_id)).await
    }

    async fn context_of(&self, owner: ContextOwner<'_>, visibility: Visibility) -> Result<Vec<Item>> {
        context::of(&self.pool, owner, visibility).await
    }

    async fn context_material(
        &self,
        id: &str,
        query: MaterialQuery<'_>,
        visibility: Visibility,
    ) -> Result<ContextMaterial> {
        context::material(&self.pool, id, query, visibility).await
    }

    async fn subtree_material(
        &self,
        id: &str,
        query: MaterialQuery<'_>,
        visibility: Visibility,
    ) -> Result<SubtreeMaterial> {
        context::subtree(&self.pool, id, query, visibility).await
    }

    async fn attached_folders(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
        context::attached_folders(&self.pool, id, visibility).await
    }

    async fn sync_items(
        &self,
        run: SyncRun<'_>,
        items: &[SyncedItem],
        author: &Author<'_>,
    ) -> Result<SyncOutcome> {
        retry(|| sync::items(&self.pool, run, items, author)).await
    }

    async fn sweep(&self, run: SyncRun<'_>, author: &Author<'_>) -> Result<u64> {
        retry(|| sync::sweep(&self.pool, run, author)).await
    }

    async fn synced_ids(&self, source: &str, source_ids: &[String]) -> Result<Vec<(String, String)>> {
        sync::ids(&self.pool, source, source_ids).await
    }

    async fn merge_companies(&self, companies: &[CompanyRow], at: DateTime<Utc>) -> Result<()> {
        retry(|| context::merge_companies(&self.pool, companies, at)).await
    }

    async fn keep_companies(&self, ids: &[String]) -> Result<u64> {
        retry(|| context::keep_companies(&self.pool, ids)).await
    }

    async fn merge_tickets(&self, tickets: &[TicketRow]) -> Result<()> {
        retry(|| context::merge_tickets(&self.pool, tickets)).await
    }

    async fn counts(&self) -> Result<Counts> {
        sync::counts(&self.pool).await
    }

    async fn state(&self, key: &str) -> Result<Option<String>> {
        sync::state(&self.pool, key).await
    }

    async fn set_state(&self, key: &str, expected: Option<&str>, value: &str) -> Result<bool> {
        retry(|| sync::set_state(&self.pool, key, expected, value)).await
    }

    fn export(&self) -> BoxStream<'_, Result<ExportRow>> {
        transfer::export(&self.pool)
    }

    async fn import(&self, rows: &[ImportRow], author: &Author<'_>) -> Result<ImportReport> {
        retry(|| load::import(&self.pool, rows, author)).await
    }

    fn dump(&self) -> BoxStream<'_, Result<Record>> {
        transfer::dump(&self.pool)
    }

    async fn load(&self, records: &[Record]) -> Result<()> {
        retry(|| load::load(&self.pool, records)).await
    }

    async fn wipe(&self) -> Result<()> {
        retry(|| load::wipe(&self.pool)).await
    }
}
