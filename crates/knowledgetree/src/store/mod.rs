//! Where the tree is kept. [`KnowledgeStore`] is the contract; [`neo4j`] and [`postgres`] keep it, with the same answers to the same
//! calls. One suite of tests (`tests/contract`) holds both to it.

mod error;
mod health;
pub mod neo4j;
mod open;
pub mod postgres;
mod retry;
mod rules;
mod trail;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

pub use self::{
    error::{Entity, Result, StoreError},
    health::health,
    open::{MIGRATOR, open, open_neo4j, open_postgres},
};
use crate::domain::{
    files::{FileRecord, NewFile},
    history::{Version, VersionSummary},
    item::{Author, Expected, Item, ItemChange, Named, NewContent, NewItem, Visibility},
    listing::{Child, FolderNode, Listing, Place},
    material::{ContextMaterial, MaterialQuery, SubtreeMaterial},
    records::{ExportRow, ImportReport, ImportRow, Record},
    search::{SearchHit, SearchQuery},
    synced::{CompanyRow, ContextOwner, Counts, SyncOutcome, SyncRun, SyncedItem, TicketRow},
    trash::{Purged, TrashEntry},
};

/// Which kind of store it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreKind {
    /// The graph of the seed.
    Neo4j,
    /// Tables, where there is no Neo4j.
    Postgres,
}

/// The tree with its files' records, its history, its trash, and what belongs to tickets and companies.
///
/// Rules that hold for every method:
/// - Each call is one transaction: it is done wholly or not at all, and sees and leaves a tree in which every item but the root has
///   exactly one parent and no two siblings one name, whatever others do meanwhile.
/// - Ids are texts that come from outside and may be anything. What is in the trash is not found by any method but those of the
///   trash, the sync and [`KnowledgeStore::dump`].
/// - Names arrive checked (§6 "Create"), HTML sanitised.
/// - Every method may answer [`StoreError::Unavailable`] and [`StoreError::Failed`]; further errors are named where they occur.
#[async_trait]
pub trait KnowledgeStore: Send + Sync + 'static {
    /// Which kind it is.
    fn kind(&self) -> StoreKind;

    /// Whether it answers.
    async fn ping(&self) -> Result<()>;

    /// Makes what it needs: constraints, indexes, the root. May be repeated at any time. The store of Neo4j does this itself when it
    /// first reaches the server.
    async fn set_up(&self) -> Result<()>;

    // Reading

    /// An item with its text.
    ///
    /// # Errors
    /// `NotFound`.
    async fn item(&self, id: &str, visibility: Visibility) -> Result<Item>;

    /// Id and name of the item at the end of the names, from the root's children on; the root where there are none. Names fit letter
    /// by letter.
    ///
    /// # Errors
    /// `NotFound`, with the path as id.
    async fn resolve(&self, path: &[String], visibility: Visibility) -> Result<Named>;

    /// An item without its text, the way to it, and its children, in one go. An article is no error: it has no children. With
    /// `excerpts` the children that are articles have the beginning of their text.
    ///
    /// # Errors
    /// `NotFound`.
    async fn browse(&self, place: Place<'_>, excerpts: bool, visibility: Visibility) -> Result<Listing>;

    /// Children in the order of [`Listing::children`]; none for an article.
    ///
    /// # Errors
    /// `NotFound`.
    async fn children(&self, id: &str, visibility: Visibility) -> Result<Vec<Child>>;

    /// Children with their texts, in the same order.
    ///
    /// # Errors
    /// `NotFound`.
    async fn children_with_content(&self, id: &str, visibility: Visibility) -> Result<Vec<Item>>;

    /// From the root to the item, both included.
    ///
    /// # Errors
    /// `NotFound`.
    async fn breadcrumbs(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>>;

    /// All folders, the root outermost, in one query.
    async fn folder_tree(&self, visibility: Visibility) -> Result<FolderNode>;

    /// Articles in the tree whose text links to the item, by name.
    ///
    /// # Errors
    /// `NotFound`.
    async fn back_links(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>>;

    /// Best first; nothing for a text without a word, an unknown start or an unknown company. No text is an error.
    async fn search(&self, query: &SearchQuery<'_>) -> Result<Vec<SearchHit>>;

    // Writing

    /// Makes an item with a new UUID.
    ///
    /// # Errors
    /// `NotFound` (the parent), `NotAFolder`, `NameTaken`. A read-only parent is no reason.
    async fn create(&self, item: &NewItem, author: &Author<'_>) -> Result<Item>;

    /// Changes name, text or attachment, and keeps the former state. A change that changes nothing leaves the item as it is, version
    /// and time included. Of the root only the text can change.
    ///
    /// # Errors
    /// `NotFound`, `Root`, `ReadOnly`, `Conflict` where the item is not as expected, `NameTaken`; looked at in this order.
    async fn update(
        &self,
        id: &str,
        change: &ItemChange,
        expected: Option<Expected>,
        author: &Author<'_>,
    ) -> Result<Item>;

    /// Puts an item with all below it under another folder. Where it is there already, nothing changes.
    ///
    /// # Errors
    /// `Root`, `NotFound` (the item, then the parent), `NotAFolder`, `Cycle`, `ReadOnly`, `NameTaken`; looked at in this order.
    async fn move_to(&self, id: &str, new_parent_id: &str, author: &Author<'_>) -> Result<()>;

    /// Copies an item with all below it: new ids, nothing protected, nothing synced, no history. Files are copied where their bytes
    /// are kept by hash. `name` is the copy's; without it the original's. The copied item.
    ///
    /// # Errors
    /// `Root`, `NotFound` (the item, then the parent), `NotAFolder`, `Cycle`, `NameTaken`.
    async fn copy(
        &self,
        id: &str,
        new_parent_id: &str,
        name: Option<&str>,
        author: &Author<'_>,
    ) -> Result<Item>;

    // Trash

    /// Puts an item with all below it into the trash; how many items that were.
    ///
    /// # Errors
    /// `Root`, `NotFound`, `ReadOnly` where it or anything below it is protected and the author is no administrator.
    async fn trash(&self, id: &str, author: &Author<'_>) -> Result<u64>;

    /// What is in the trash, the latest first.
    async fn trashed(&self) -> Result<Vec<TrashEntry>>;

    /// Puts a subtree of the trash back under its former parent, or under the root where that is gone, by the id of its topmost item;
    /// `name` is its new name where the old one may be taken. The restored item.
    ///
    /// # Errors
    /// `NotFound`, `NameTaken`.
    async fn restore(&self, id: &str, name: Option<&str>, author: &Author<'_>) -> Result<Item>;

    /// Removes a subtree of the trash for ever, with history and files' records, by the id of its topmost item.
    ///
    /// # Errors
    /// `NotFound`.
    async fn purge(&self, id: &str) -> Result<Purged>;

    /// Removes for ever what came into the trash before a time; what a sync put there stays as long as people's own items are in it.
    /// At most about a thousand items per call, whole subtrees: call again until nothing is removed.
    async fn purge_expired(&self, before: DateTime<Utc>) -> Result<Purged>;

    // History

    /// States of an item, the present one first.
    ///
    /// # Errors
    /// `NotFound`.
    async fn versions(&self, id: &str, visibility: Visibility) -> Result<Vec<VersionSummary>>;

    /// A state of an item, the present one or a former one.
    ///
    /// # Errors
    /// `NotFound` (the item or the version).
    async fn version(&self, id: &str, version: i64, visibility: Visibility) -> Result<Version>;

    /// Makes text and format of a former state the present ones; name and place stay. `links` are the ids to which that text links.
    ///
    /// # Errors
    /// As [`KnowledgeStore::update`], and `NotFound` (the version).
    async fn restore_version(
        &self,
        id: &str,
        version: i64,
        links: Vec<String>,
        expected: Option<Expected>,
        author: &Author<'_>,
    ) -> Result<Item> {
        let former = self.version(id, version, Visibility::All).await?;
        let format = former.content_format.unwrap_or_default();
        let content = Some(NewContent { text: former.content, format, links });
        self.update(id, &ItemChange { content, ..ItemChange::default() }, expected, author).await
    }

    // Files

    /// Records a file of an item, a read-only one too.
    ///
    /// # Errors
    /// `NotFound` (the item).
    async fn add_file(&self, item_id: &str, file: &NewFile, author: &Author<'_>) -> Result<FileRecord>;

    /// Files of an item, by original name.
    ///
    /// # Errors
    /// `NotFound` (the item).
    async fn files(&self, item_id: &str, visibility: Visibility) -> Result<Vec<FileRecord>>;

    /// A file by its stored name, and the id of its item, which the reader must be able to see.
    ///
    /// # Errors
    /// `NotFound`.
    async fn file_by_name(&self, filename: &str, visibility: Visibility) -> Result<(FileRecord, String)>;

    /// Removes a file's record, by its id. The bytes are the caller's to delete, as for [`Purged::files`].
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_file(&self, file_id: &str) -> Result<FileRecord>;

    /// Those of the hashes that no file has, in the trash or elsewhere.
    async fn unreferenced(&self, hashes: &[String]) -> Result<Vec<String>>;

    // Context

    /// Links an item to a ticket or a company; a link that is there already is no error.
    ///
    /// # Errors
    /// `NotFound` (the item or the company).
    async fn link_context(&self, owner: ContextOwner<'_>, item_id: &str) -> Result<()>;

    /// Removes such a link.
    ///
    /// # Errors
    /// `NotFound` (the link).
    async fn unlink_context(&self, owner: ContextOwner<'_>, item_id: &str) -> Result<()>;

    /// Items linked to a ticket or a company, by name; none for an unknown one.
    async fn context_of(&self, owner: ContextOwner<'_>, visibility: Visibility) -> Result<Vec<Item>>;

    /// What the context text of an item is made of, in one query.
    ///
    /// # Errors
    /// `NotFound`.
    async fn context_material(
        &self,
        id: &str,
        query: MaterialQuery<'_>,
        visibility: Visibility,
    ) -> Result<ContextMaterial>;

    /// The articles in and below an item, for the context of a company or a subtree; `excluded` attached folders are left out.
    ///
    /// # Errors
    /// `NotFound`.
    async fn subtree_material(
        &self,
        id: &str,
        query: MaterialQuery<'_>,
        visibility: Visibility,
    ) -> Result<SubtreeMaterial>;

    /// Attached folders that are children of an item on the way from the root to this one, itself included, by name.
    ///
    /// # Errors
    /// `NotFound`.
    async fn attached_folders(&self, id: &str, visibility: Visibility) -> Result<Vec<Named>>;

    // Sync

    /// Makes or changes items of a source, parents before children, and marks them as seen by the run. An item is found again by its
    /// id at the source, wherever it is, the trash included, from which it is fetched. What upstream's sync made is taken over where
    /// parent, name and derived id fit. Items of people are never changed; only an unprotected folder (`Companies`) shares its name
    /// with theirs and is taken over as it is.
    ///
    /// New ids are `<parent id>_<name>` with blanks and `/` as `_` (§9.1), and something added where that is taken.
    ///
    /// # Errors
    /// `Invalid` for a parent that was not stored before, a parent that is an article, or one `source_id` twice.
    async fn sync_items(
        &self,
        run: SyncRun<'_>,
        items: &[SyncedItem],
        author: &Author<'_>,
    ) -> Result<SyncOutcome>;

    /// Puts into the trash what a source has not shown in a run, with all below it; to be called after a complete run only. How many
    /// subtrees that were.
    async fn sweep(&self, run: SyncRun<'_>, author: &Author<'_>) -> Result<u64>;

    /// Ids of the items that came from these ids of a source; those that are not in the tree are left out.
    async fn synced_ids(&self, source: &str, source_ids: &[String]) -> Result<Vec<(String, String)>>;

    /// Makes or changes companies, each with its folder as context.
    async fn merge_companies(&self, companies: &[CompanyRow], at: DateTime<Utc>) -> Result<()>;

    /// Removes companies that are not among these ids; to be called after a complete run only. How many.
    async fn keep_companies(&self, ids: &[String]) -> Result<u64>;

    /// Makes tickets and adds their context. Items that are not in the tree are passed over.
    async fn merge_tickets(&self, tickets: &[TicketRow]) -> Result<()>;

    /// How much there is.
    async fn counts(&self) -> Result<Counts>;

    /// What a job remembers under a name, such as its last run.
    async fn state(&self, key: &str) -> Result<Option<String>>;

    /// Remembers something under a name, if what is remembered now is as `expected`; whether it was. So that one of many instances
    /// can take a job.
    async fn set_state(&self, key: &str, expected: Option<&str>, value: &str) -> Result<bool>;

    // Transfer

    /// What people wrote, parents first, siblings in their order, with protected folders on the way as references. Read row by row.
    fn export(&self) -> BoxStream<'_, Result<ExportRow>>;

    /// Makes or changes items by path, all or none. Parents may come in any order, but must come or be there already.
    ///
    /// # Errors
    /// `Invalid` with the path for a missing parent, a folder where an article is or the other way round, or a path twice; `ReadOnly`
    /// for a protected item that is no reference.
    async fn import(&self, rows: &[ImportRow], author: &Author<'_>) -> Result<ImportReport>;

    /// All that is in the store, in the order that [`Record`] states. Read row by row, from one moment as far as the store can.
    fn dump(&self) -> BoxStream<'_, Result<Record>>;

    /// Stores records as they are, in the order of [`KnowledgeStore::dump`], some at a time; what is there already under the same id is
    /// replaced.
    ///
    /// # Errors
    /// `Invalid` for a record that names an item which is not there.
    async fn load(&self, records: &[Record]) -> Result<()>;

    /// Deletes everything and makes the root anew (§6 "Wipe"). The bytes of files are the caller's to delete.
    async fn wipe(&self) -> Result<()>;
}
