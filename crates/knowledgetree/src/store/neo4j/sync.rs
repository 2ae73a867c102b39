//! What syncs hand over.

use std::collections::{HashMap, HashSet};

use neo4rs::query;

use super::{
    connection::{Server, Work},
    props::{Props, text},
    sync_write::{self, Wave},
    trash::put_away,
    write::{child, spot},
};
use crate::{
    domain::{
        item::{Author, ROOT_ID},
        order::MAX_DEPTH,
        synced::{Counts, SyncOutcome, SyncParent, SyncRun, SyncedItem},
    },
    store::{
        StoreError,
        retry::Attempt,
        rules::{each_once, second_names, too_deep},
    },
};

/// A folder into which synced items go.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) is_folder: bool,
    /// Items on the way to it, itself included.
    pub(super) depth: usize,
}

/// An item as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) props: Props,
    pub(super) parent_id: Option<String>,
    pub(super) is_in_tree: bool,
}

pub(super) async fn items(
    server: &Server,
    run: SyncRun<'_>,
    items: &[SyncedItem],
    author: &Author<'_>,
) -> Attempt<SyncOutcome> {
    each_once(items)?;
    let mut work = server.begin().await?;
    let mut state = State::load(&mut work, run, items).await?;
    let mut waiting: Vec<usize> = (0..items.len()).collect();
    while !waiting.is_empty() {
        // Those whose folder is there; the others wait for their folders, which are among these.
        let (ready, later): (Vec<usize>, Vec<usize>) =
            waiting.into_iter().partition(|index| state.place_of(&items[*index]).is_some());
        if ready.is_empty() {
            let orphan = later.first().map_or("", |index| items[*index].source_id.as_str());
            return Err(StoreError::Invalid(format!("The folder of {orphan} is not known")).into());
        }
        state.wave(&mut work, run, items, &ready, author).await?;
        waiting = later;
    }
    work.commit().await?;
    let ids = items.iter().filter_map(|item| state.synced_places.get(&item.source_id)).map(|place| place.id.clone());
    Ok(SyncOutcome { ids: ids.collect(), ..state.outcome })
}

/// What is known while items are stored.
struct State {
    /// Items of the source, by their id there.
    known: HashMap<String, Stored>,
    /// Folders that exist, by id at the source.
    synced_places: HashMap<String, Place>,
    /// Folders that exist, by id.
    places: HashMap<String, Place>,
    outcome: SyncOutcome,
}

impl State {
    async fn load(work: &mut Work, run: SyncRun<'_>, items: &[SyncedItem]) -> Attempt<Self> {
        let own: HashSet<&str> = items.iter().map(|item| item.source_id.as_str()).collect();
        let mut known = HashMap::new();
        for label in ["ContextItem", "TrashedItem"] {
            let statement = format!(
                "UNWIND $ids AS source_id MATCH (n:{label} {{source: $source, source_id: source_id}})
                 RETURN n, head([(p)-[:PARENT_OF]->(n) | p.id]) AS parent_id"
            );
            let ids: Vec<&str> = own.iter().copied().collect();
            for row in work.rows(query(&statement).param("source", run.source).param("ids", ids)).await? {
                let stored = Stored {
                    props: Props::of(&row, "n")?,
                    parent_id: row.get("parent_id")?,
                    is_in_tree: label == "ContextItem",
                };
                known.entry(stored.props.source_id.clone().unwrap_or_default()).or_insert(stored);
            }
        }
        let (mut synced_places, mut places) = (HashMap::new(), HashMap::new());
        let mut parents: Vec<&SyncParent> = items.iter().map(|item| &item.parent).collect();
        parents.sort_by_key(|parent| format!("{parent:?}"));
        parents.dedup();
        for parent in parents {
            match parent {
                SyncParent::Synced(source_id) if !own.contains(source_id.as_str()) => {
                    let row = work.row(
                        query("MATCH (n:ContextItem {source: $source, source_id: $id}) RETURN n.id AS id LIMIT 1")
                            .param("source", run.source)
                            .param("id", source_id.as_str()),
                    );
                    if let Some(row) = row.await?
                        && let Some(place) = place(work, &text(&row, "id")?).await?
                    {
                        synced_places.insert(source_id.clone(), place);
                    }
                }
                SyncParent::Item(id) => {
                    places.extend(place(work, id).await?.map(|place| (id.clone(), place)));
                }
                SyncParent::Synced(_) | SyncParent::Root => {}
            }
        }
        Ok(Self { known, synced_places, places, outcome: SyncOutcome::default() })
    }

    fn place_of(&self, item: &SyncedItem) -> Option<Place> {
        match &item.parent {
            SyncParent::Root => Some(Place { id: ROOT_ID.to_owned(), is_folder: true, depth: 1 }),
            SyncParent::Synced(id) => self.synced_places.get(id).cloned(),
            SyncParent::Item(id) => self.places.get(id).cloned(),
        }
    }

    /// Stores items whose folders are there.
    async fn wave(
        &mut self,
        work: &mut Work,
        run: SyncRun<'_>,
        items: &[SyncedItem],
        ready: &[usize],
        author: &Author<'_>,
    ) -> Attempt<()> {
        let mut placed = Vec::with_capacity(ready.len());
        for index in ready {
            let item = &items[*index];
            let Some(place) = self.place_of(item) else { continue };
            if !place.is_folder {
                return Err(StoreError::Invalid(format!("{} would be put into an article", item.source_id)).into());
            }
            if place.depth >= MAX_DEPTH {
                return Err(too_deep().into());
            }
            placed.push((item, place));
        }
        let mut names = Names::load(work, &placed).await?;
        let mut wave = Wave::default();
        for (item, place) in &placed {
            let stored = self.known.remove(&item.source_id);
            if let Some(place) = self.one(work, item, place, stored, &mut names, &mut wave).await? {
                self.synced_places.insert(item.source_id.clone(), place);
            }
        }
        for (source_id, place) in sync_write::insert(work, &wave, author).await? {
            self.synced_places.insert(source_id, place);
            self.outcome.created += 1;
        }
        sync_write::update(work, &wave, author).await?;
        sync_write::mark(work, run, &placed, &self.synced_places).await
    }

    /// Notes what is to change about an item that is there, or one that is to be made.
    async fn one<'a>(
        &mut self,
        work: &mut Work,
        item: &'a SyncedItem,
        place: &Place,
        stored: Option<Stored>,
        names: &mut Names,
        wave: &mut Wave<'a>,
    ) -> Attempt<Option<Place>> {
        let taken_over = stored.is_none();
        let Some(stored) = stored.or_else(|| names.take_over(&place.id, item)) else {
            let name = names.free(work, place, item, None).await?;
            wave.make(item, place, name);
            return Ok(None);
        };
        let own = &stored.props;
        let moved = stored.parent_id.as_ref() != Some(&place.id);
        // What is above it may have been fetched from the trash since the look.
        let in_tree = stored.is_in_tree || spot(work, &own.id).await?.is_some();
        // A folder of which people may have made something else stays as they made it.
        if !own.read_only() && !item.read_only && in_tree {
            self.outcome.unchanged += 1;
            let here = self::place(work, &own.id).await?;
            return Ok(here);
        }
        let fits = !moved && (own.name() == item.name || names.is_second(&own.name(), item, &place.id));
        let name =
            if fits { own.name() } else { names.free(work, place, item, Some(own.id.as_str())).await? };
        if moved || !in_tree {
            sync_write::fetch(work, &own.id, in_tree, place).await?;
        }
        if moved || name != own.name() || sync_write::differs(own, item) {
            wave.change(item, own.clone(), name);
            self.outcome.updated += 1;
        } else if taken_over || !in_tree {
            self.outcome.updated += 1;
        } else {
            self.outcome.unchanged += 1;
        }
        Ok(Some(Place { id: own.id.clone(), is_folder: item.is_folder, depth: place.depth + 1 }))
    }
}

async fn place(work: &mut Work, id: &str) -> Attempt<Option<Place>> {
    let spot = spot(work, id).await?;
    Ok(spot.map(|spot| Place { id: id.to_owned(), is_folder: spot.item.is_folder, depth: spot.depth() }))
}

/// Who has which name in the folders of a wave.
struct Names {
    taken: HashMap<(String, String), Option<Stored>>,
}

impl Names {
    async fn load(work: &mut Work, placed: &[(&SyncedItem, Place)]) -> Attempt<Self> {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for (item, place) in placed {
            names.entry(&place.id).or_default().extend([item.name.as_str(), item.second_name.as_str()]);
        }
        let mut taken = HashMap::new();
        for (parent_id, names) in names {
            let rows = work.rows(
                query(
                    "MATCH (p:ContextItem {id: $parent}) WITH p MATCH (p)-[:PARENT_OF]->(n:ContextItem)
                     WHERE n.name IN $names RETURN n",
                )
                .param("parent", parent_id)
                .param("names", names),
            );
            for row in rows.await? {
                let props = Props::of(&row, "n")?;
                let slot = (parent_id.to_owned(), props.name());
                let stored = Stored { props, parent_id: Some(parent_id.to_owned()), is_in_tree: true };
                taken.insert(slot, Some(stored));
            }
        }
        Ok(Self { taken })
    }

    /// An item without a source that is what the sync wants: upstream's sync made it, or it is a folder to share.
    fn take_over(&mut self, parent_id: &str, item: &SyncedItem) -> Option<Stored> {
        let slot = self.taken.get_mut(&(parent_id.to_owned(), item.name.clone()))?;
        let fits = slot.as_ref().is_some_and(|stored| {
            stored.props.source_id.is_none()
                && stored.props.is_folder() == item.is_folder
                && (stored.props.read_only() || item.is_folder && !item.read_only)
        });
        // The name stays taken; the item cannot be taken over twice.
        if fits { slot.take() } else { None }
    }

    /// Whether an item has its second name for a reason that still holds.
    fn is_second(&self, name: &str, item: &SyncedItem, parent_id: &str) -> bool {
        let first_is_taken = self.taken.contains_key(&(parent_id.to_owned(), item.name.clone()));
        first_is_taken && name.starts_with(&item.second_name)
    }

    /// A name for an item that no sibling has.
    async fn free(
        &mut self,
        work: &mut Work,
        place: &Place,
        item: &SyncedItem,
        own_id: Option<&str>,
    ) -> Attempt<String> {
        for name in second_names(item) {
            let slot = (place.id.clone(), name.clone());
            let taken = match self.taken.get(&slot) {
                Some(owner) => owner.as_ref().is_none_or(|owner| Some(owner.props.id.as_str()) != own_id),
                None => child(work, &place.id, &name).await?.is_some_and(|id| Some(id.as_str()) != own_id),
            };
            if !taken {
                self.taken.insert(slot, None);
                return Ok(name);
            }
        }
        Err(StoreError::Invalid(format!("There is no name left for {}", item.source_id)).into())
    }
}

pub(super) async fn sweep(server: &Server, run: SyncRun<'_>, author: &Author<'_>) -> Attempt<u64> {
    let mut work = server.begin().await?;
    let rows = work.rows(
        query(
            "MATCH (n:ContextItem {source: $source}) WHERE n.sync_run <> $run AND n.source_id IS NOT NULL
             AND NOT EXISTS { (p:ContextItem)-[:PARENT_OF]->(n) WHERE p.source = $source AND p.sync_run <> $run }
             RETURN n.id AS id",
        )
        .param("source", run.source)
        .param("run", run.run_id),
    );
    let mut subtrees = 0;
    for row in rows.await? {
        // One may lie below another that has just gone.
        if put_away(&mut work, &text(&row, "id")?, author, true).await? > 0 {
            subtrees += 1;
        }
    }
    work.commit().await?;
    Ok(subtrees)
}

pub(super) async fn ids(server: &Server, source: &str, source_ids: &[String]) -> Attempt<Vec<(String, String)>> {
    let rows = server.read(
        query(
            "UNWIND $ids AS source_id MATCH (n:ContextItem {source: $source, source_id: source_id})
             RETURN source_id, n.id AS id",
        )
        .param("source", source)
        .param("ids", source_ids),
    );
    rows.await?.iter().map(|row| Ok((text(row, "source_id")?, text(row, "id")?))).collect()
}

pub(super) async fn counts(server: &Server) -> Attempt<Counts> {
    let rows = server.read(query(
        "CALL { MATCH (n:ContextItem) RETURN sum(CASE WHEN n.is_folder THEN 1 ELSE 0 END) AS folders,
            sum(CASE WHEN coalesce(n.is_folder, false) THEN 0 ELSE 1 END) AS articles,
            sum(CASE WHEN n.source_kind IN ['company', 'person', 'contact', 'asset', 'group'] AND n.source_id <> 'companies'
                THEN 1 ELSE 0 END) AS company_items,
            sum(CASE WHEN n.source_kind = 'ticket' AND NOT coalesce(n.is_folder, false) THEN 1 ELSE 0 END) AS tickets }
         CALL { MATCH (c:Company) RETURN count(c) AS companies }
         CALL { MATCH (t:TrashedItem) RETURN count(t) AS trash }
         CALL { MATCH (:ContextItem)-[:HAS_FILE]->(f:File) RETURN count(f) AS files }
         RETURN folders, articles, company_items, tickets, companies, trash, files",
    ));
    let rows = rows.await?;
    let row = rows.first().ok_or_else(|| StoreError::Failed("nothing was counted".to_owned()))?;
    Ok(Counts {
        folders: row.get("folders")?,
        articles: row.get("articles")?,
        files: row.get("files")?,
        company_items: row.get("company_items")?,
        tickets: row.get("tickets")?,
        companies: row.get("companies")?,
        trash: row.get("trash")?,
    })
}

pub(super) async fn state(server: &Server, key: &str) -> Attempt<Option<String>> {
    let rows = server.read(query("MATCH (s:JobState {key: $key}) RETURN s.value AS value").param("key", key));
    rows.await?.first().map(|row| text(row, "value")).transpose()
}

pub(super) async fn set_state(server: &Server, key: &str, expected: Option<&str>, value: &str) -> Attempt<bool> {
    let mut work = server.begin().await?;
    let row = work.row(query("MATCH (s:JobState {key: $key}) RETURN s.value AS value").param("key", key)).await?;
    let now = row.map(|row| text(&row, "value")).transpose()?;
    let is_so = now.as_deref() == expected;
    if is_so {
        work.run(
            query("MERGE (s:JobState {key: $key}) SET s.value = $value").param("key", key).param("value", value),
        )
        .await?;
    }
    work.commit().await?;
    Ok(is_so)
}
