//! The store in Neo4j: the graph of the seed, on which upstream's service can run as well, before and after.

mod connection;
mod context;
mod files;
mod load;
mod props;
mod read;
mod schema;
mod search;
mod sync;
mod sync_write;
mod transfer;
mod trash;
mod write;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use hivematrix_shared::config::Secret;

use self::connection::Server;
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

/// The tree in a graph. The server may be away at any time; constraints, indexes and the root are made when it is first reached.
#[derive(Clone)]
pub struct Neo4jStore {
    server: Server,
}

impl Neo4jStore {
    /// The store on a server, such as `bolt://localhost:7687`. Connects on first use.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(uri: &str, user: &str, password: &Secret) -> anyhow::Result<Self> {
        Ok(Self { server: Server::new(uri, user, password)? })
    }
}

#[async_trait]
impl KnowledgeStore for Neo4jStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Neo4j
    }

    async fn ping(&self) -> Result<()> {
        Ok(self.server.ping().await?)
    }

    async fn set_up(&self) -> Result<()> {
        retry(|| self.server.set_up()).await
    }

    async fn item(&self, id: &str, visibility: Visibility) -> Result<Item> {
        Ok(read::item(&self.server, id, visibility).await?)
    }

    async fn resolve(&self, path: &[String], visibility: Visibility) -> Result<Named> {
        Ok(read::resolve(&self.server, path, visibility).await?)
    }

    async fn browse(&self, place: Place<'_>, excerpts: bool, visibility: Visibility) -> Result<Listing> {
        Ok(read::browse(&self.server, place, excerpts, visibility).await?)
    }

    async fn children(&self, id: &str, visibility: Visibility) -> Result<Vec<Child>> {
        Ok(read::browse(&self.server, Place::Id(id), false, visibility).await?.children)
    }

    async fn children_with_content(&self, id: &str, visibility: Visibility) -> Result<Vec<Item>> {
        Ok(read::children_with_content(&self.server, id, visibility).await?)
    }

    async fn breadcrumbs(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
        Ok(read::breadcrumbs(&self.server, id, visibility).await?)
    }

    async fn folder_tree(&self, visibility: Visibility) -> Result<FolderNode> {
        Ok(read::folder_tree(&self.server, visibility).await?)
    }

    async fn back_links(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
        Ok(read::back_links(&self.server, id, visibility).await?)
    }

    async fn search(&self, query: &SearchQuery<'_>) -> Result<Vec<SearchHit>> {
        Ok(search::search(&self.server, query).await?)
    }

    async fn create(&self, item: &NewItem, author: &Author<'_>) -> Result<Item> {
        retry(|| write::create(&self.server, item, author)).await
    }

    async fn update(
        &self,
        id: &str,
        change: &ItemChange,
        expected: Option<Expected>,
        author: &Author<'_>,
    ) -> Result<Item> {
        retry(|| write::update(&self.server, id, change, expected, author)).await
    }

    async fn move_to(&self, id: &str, new_parent_id: &str, author: &Author<'_>) -> Result<()> {
        retry(|| write::move_to(&self.server, id, new_parent_id, author)).await
    }

    async fn copy(
        &self,
        id: &str,
        new_parent_id: &str,
        name: Option<&str>,
        author: &Author<'_>,
    ) -> Result<Item> {
        retry(|| write::copy(&self.server, id, new_parent_id, name, author)).await
    }

    async fn trash(&self, id: &str, author: &Author<'_>) -> Result<u64> {
        retry(|| trash::trash(&self.server, id, author)).await
    }

    async fn trashed(&self) -> Result<Vec<TrashEntry>> {
        Ok(trash::trashed(&self.server).await?)
    }

    async fn restore(&self, id: &str, name: Option<&str>, author: &Author<'_>) -> Result<Item> {
        retry(|| trash::restore(&self.server, id, name, author)).await
    }

    async fn purge(&self, id: &str) -> Result<Purged> {
        retry(|| trash::purge(&self.server, id)).await
    }

    async fn purge_expired(&self, before: DateTime<Utc>) -> Result<Purged> {
        retry(|| trash::purge_expired(&self.server, before)).await
    }

    async fn versions(&self, id: &str, visibility: Visibility) -> Result<Vec<VersionSummary>> {
        Ok(files::versions(&self.server, id, visibility).await?)
    }

    async fn version(&self, id: &str, version: i64, visibility: Visibility) -> Result<Version> {
        Ok(files::version(&self.server, id, version, visibility).await?)
    }

    async fn add_file(&self, item_id: &str, file: &NewFile, author: &Author<'_>) -> Result<FileRecord> {
        retry(|| files::add(&self.server, item_id, file, author)).await
    }

    async fn files(&self, item_id: &str, visibility: Visibility) -> Result<Vec<FileRecord>> {
        Ok(files::of_item(&self.server, item_id, visibility).await?)
    }

    async fn file_by_name(&self, filename: &str, visibility: Visibility) -> Result<(FileRecord, String)> {
        Ok(files::by_stored_name(&self.server, filename, visibility).await?)
    }

    async fn delete_file(&self, file_id: &str) -> Result<FileRecord> {
        retry(|| files::delete(&self.server, file_id)).await
    }

    async fn unreferenced(&self, hashes: &[String]) -> Result<Vec<String>> {
        Ok(files::unreferenced(&self.server, hashes).await?)
    }

    async fn link_context(&self, owner: ContextOwner<'_>, item_id: &str) -> Result<()> {
        retry(|| context::link(&self.server, owner, item_id)).await
    }

    async fn unlink_context(&self, owner: ContextOwner<'_>, item_id: &str) -> Result<()> {
        retry(|| context::unlink(&self.server, owner, item_id)).await
    }

    async fn context_of(&self, owner: ContextOwner<'_>, visibility: Visibility) -> Result<Vec<Item>> {
        Ok(context::of(&self.server, owner, visibility).await?)
    }

    async fn context_material(
        &self,
        id: &str,
        query: MaterialQuery<'_>,
        visibility: Visibility,
    ) -> Result<ContextMaterial> {
        Ok(context::material(&self.server, id, query, visibility).await?)
    }

    async fn subtree_material(
        &self,
        id: &str,
        query: MaterialQuery<'_>,
        visibility: Visibility,
    ) -> Result<SubtreeMaterial> {
        Ok(context::subtree(&self.server, id, query, visibility).await?)
    }

    async fn attached_folders(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
        Ok(context::attached_folders(&self.server, id, visibility).await?)
    }

    async fn sync_items(
        &self,
        run: SyncRun<'_>,
        items: &[SyncedItem],
        author: &Author<'_>,
    ) -> Result<SyncOutcome> {
        retry(|| sync::items(&self.server, run, items, author)).await
    }

    async fn sweep(&self, run: SyncRun<'_>, author: &Author<'_>) -> Result<u64> {
        retry(|| sync::sweep(&self.server, run, author)).await
    }

    async fn synced_ids(&self, source: &str, source_ids: &[String]) -> Result<Vec<(String, String)>> {
        Ok(sync::ids(&self.server, source, source_ids).await?)
    }

    async fn merge_companies(&self, companies: &[CompanyRow], at: DateTime<Utc>) -> Result<()> {
        retry(|| context::merge_companies(&self.server, companies, at)).await
    }

    async fn keep_companies(&self, ids: &[String]) -> Result<u64> {
        retry(|| context::keep_companies(&self.server, ids)).await
    }

    async fn merge_tickets(&self, tickets: &[TicketRow]) -> Result<()> {
        retry(|| context::merge_tickets(&self.server, tickets)).await
    }

    async fn counts(&self) -> Result<Counts> {
        Ok(sync::counts(&self.server).await?)
    }

    async fn state(&self, key: &str) -> Result<Option<String>> {
        Ok(sync::state(&self.server, key).await?)
    }

    async fn set_state(&self, key: &str, expected: Option<&str>, value: &str) -> Result<bool> {
        retry(|| sync::set_state(&self.server, key, expected, value)).await
    }

    fn export(&self) -> BoxStream<'_, Result<ExportRow>> {
        transfer::export(&self.server)
    }

    async fn import(&self, rows: &[ImportRow], author: &Author<'_>) -> Result<ImportReport> {
        retry(|| load::import(&self.server, rows, author)).await
    }

    fn dump(&self) -> BoxStream<'_, Result<Record>> {
        transfer::dump(&self.server)
    }

    async fn load(&self, records: &[Record]) -> Result<()> {
        retry(|| load::load(&self.server, records)).await
    }

    async fn wipe(&self) -> Result<()> {
        retry(|| load::wipe(&self.server)).await
    }
}
