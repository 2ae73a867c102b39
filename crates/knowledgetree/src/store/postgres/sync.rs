//! What syncs hand over.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, PgPool};

use super::{
    connection::{Change, begin},
    rows::{ROOT_KEY, ROOT_PATH, Spot, depth},
    sync_write::{self, Wave},
    trash::put_away,
};
use crate::{
    domain::{
        item::{Author, ROOT_ID},
        order::MAX_DEPTH,
        synced::{Counts, SyncOutcome, SyncParent, SyncRun, SyncedItem},
    },
    store::{
        Result, StoreError,
        retry::Attempt,
        rules::{each_once, second_names, too_deep},
    },
};

/// A folder into which synced items go.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) key: i64,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) is_folder: bool,
}

/// An item as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) key: i64,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) parent_key: Option<i64>,
    pub(super) name: String,
    pub(super) content: String,
    pub(super) content_format: Option<String>,
    pub(super) is_folder: bool,
    pub(super) is_attached: bool,
    pub(super) read_only: bool,
    pub(super) source_id: Option<String>,
}

impl Stored {
    fn place(&self) -> Place {
        Place { key: self.key, id: self.id.clone(), path: self.path.clone(), is_folder: self.is_folder }
    }

    fn is_in_tree(&self) -> bool {
        self.path.starts_with(ROOT_PATH)
    }
}

/// Stored items, with an end of the statement that says which.
macro_rules! stored {
    ($end:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Stored,
            r#"
            select i.key, i.id, p.path, i.parent_key, i.name, i.content, i.content_format, i.is_folder, i.is_attached, i.read_only,
                s.source_id as "source_id?"
            from context_items i join tree_paths p on p.item_key = i.key left join synced_items s on s.item_key = i.key
            "# + $end
            $(, $argument)*
        )
    };
}

pub(super) async fn items(
    pool: &PgPool,
    run: SyncRun<'_>,
    items: &[SyncedItem],
    author: &Author<'_>,
) -> Attempt<SyncOutcome> {
    each_once(items)?;
    let mut transaction = begin(pool, Change::Moves).await?;
    let mut state = State::load(&mut transaction, run, items).await?;
    let mut waiting: Vec<usize> = (0..items.len()).collect();
    while !waiting.is_empty() {
        // Those whose folder is there; the others wait for their folders, which are among these.
        let (ready, later): (Vec<usize>, Vec<usize>) =
            waiting.into_iter().partition(|index| state.place_of(&items[*index]).is_some());
        if ready.is_empty() {
            let orphan = later.first().map_or("", |index| items[*index].source_id.as_str());
            return Err(StoreError::Invalid(format!("The folder of {orphan} is not known")).into());
        }
        state.wave(&mut transaction, run, items, &ready, author).await?;
        waiting = later;
    }
    transaction.commit().await?;
    let ids = items.iter().map(|item| state.ids.remove(&item.source_id).unwrap_or_default()).collect();
    Ok(SyncOutcome { ids, ..state.outcome })
}

/// What is known while items are stored.
struct State {
    /// Items of the source, by their id there.
    known: HashMap<String, Stored>,
    /// Folders that exist, by id at the source.
    synced_places: HashMap<String, Place>,
    /// Folders that exist, by id.
    places: HashMap<String, Place>,
    /// Ids, by id at the source.
    ids: HashMap<String, String>,
    outcome: SyncOutcome,
}

impl State {
    async fn load(connection: &mut PgConnection, run: SyncRun<'_>, items: &[SyncedItem]) -> Attempt<Self> {
        let mut source_ids: Vec<String> = items.iter().map(|item| item.source_id.clone()).collect();
        let mut ids = Vec::new();
        for item in items {
            match &item.parent {
                SyncParent::Synced(parent) => source_ids.push(parent.clone()),
                SyncParent::Item(parent) => ids.push(parent.clone()),
                SyncParent::Root => {}
            }
        }
        let known = stored!("where s.source = $1 and s.source_id = any($2)", run.source, &source_ids)
            .fetch_all(&mut *connection)
            .await?;
        let own: HashSet<&str> = items.iter().map(|item| item.source_id.as_str()).collect();
        let known: HashMap<String, Stored> =
            known.into_iter().filter_map(|row| Some((row.source_id.clone()?, row))).collect();
        // Those that are handed over again may be moved first.
        let synced_places = known
            .iter()
            .filter(|(id, row)| !own.contains(id.as_str()) && row.is_in_tree())
            .map(|(id, row)| (id.clone(), row.place()))
            .collect();
        let places = stored!("where i.id = any($1) and p.path >= '1.' and p.path < '1/'", &ids);
        let places = places.fetch_all(connection).await?;
        let places = places.into_iter().map(|row| (row.id.clone(), row.place())).collect();
        Ok(Self { known, synced_places, places, ids: HashMap::new(), outcome: SyncOutcome::default() })
    }

    fn place_of(&self, item: &SyncedItem) -> Option<Place> {
        match &item.parent {
            SyncParent::Root => {
                let path = ROOT_PATH.to_owned();
                Some(Place { key: ROOT_KEY, id: ROOT_ID.to_owned(), path, is_folder: true })
            }
            SyncParent::Synced(id) => self.synced_places.get(id).cloned(),
            SyncParent::Item(id) => self.places.get(id).cloned(),
        }
    }

    /// Stores items whose folders are there.
    async fn wave(
        &mut self,
        connection: &mut PgConnection,
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
            if depth(&place.path) >= MAX_DEPTH {
                return Err(too_deep().into());
            }
            placed.push((item, place));
        }
        let mut names = Names::load(connection, &placed).await?;
        let mut wave = Wave::default();
        for (item, place) in &placed {
            let row = self.known.remove(&item.source_id);
            let stored = self.one(connection, item, place, row, &mut names, &mut wave, author).await?;
            if let Some(stored) = stored {
                self.done(item, stored);
            }
        }
        let made = sync_write::insert(connection, &wave, author).await?;
        for (item, place) in made {
            self.ids.insert(item.clone(), place.id.clone());
            self.synced_places.insert(item, place);
            self.outcome.created += 1;
        }
        sync_write::mark(connection, run, &placed, &self.synced_places).await
    }

    fn done(&mut self, item: &SyncedItem, place: Place) {
        self.ids.insert(item.source_id.clone(), place.id.clone());
        self.synced_places.insert(item.source_id.clone(), place);
    }

    /// Changes an item that is there, or notes one that is to be made.
    #[expect(clippy::too_many_arguments, reason = "one step of the loop above")]
    async fn one<'a>(
        &mut self,
        connection: &mut PgConnection,
        item: &'a SyncedItem,
        place: &Place,
        row: Option<Stored>,
        names: &mut Names,
        wave: &mut Wave<'a>,
        author: &Author<'_>,
    ) -> Attempt<Option<Place>> {
        let taken_over = row.is_none();
        let row = row.or_else(|| names.take_over(place.key, item));
        let Some(mut row) = row else {
            let name = names.free(connection, place, item, None).await?;
            wave.add(item, place, name);
            return Ok(None);
        };
        let moved = row.parent_key != Some(place.key);
        // What is above it may have been moved since the look.
        row.path = if moved {
            sync_write::path(connection, row.key).await?
        } else {
            format!("{}{}.", place.path, row.key)
        };
        // A folder of which people may have made something else stays as they made it.
        if !row.read_only && !item.read_only && row.is_in_tree() {
            self.outcome.unchanged += 1;
            return Ok(Some(row.place()));
        }
        let fits = !moved && (row.name == item.name || names.is_second(&row, item, place.key));
        let name = if fits { row.name.clone() } else { names.free(connection, place, item, Some(row.key)).await? };
        if moved {
            row.path = sync_write::fetch(connection, &row, place).await?;
        }
        if sync_write::differs(&row, item) || moved || name != row.name {
            sync_write::update(connection, &row, item, place, &name, author).await?;
            self.outcome.updated += 1;
        } else if taken_over {
            self.outcome.updated += 1;
        } else {
            self.outcome.unchanged += 1;
        }
        Ok(Some(row.place()))
    }
}

/// Who has which name in the folders of a wave.
struct Names {
    taken: HashMap<(i64, String), Option<Stored>>,
}

impl Names {
    async fn load(connection: &mut PgConnection, placed: &[(&SyncedItem, Place)]) -> Attempt<Self> {
        let parents: Vec<i64> = placed.iter().flat_map(|(_, place)| [place.key; 2]).collect();
        let names: Vec<String> =
            placed.iter().flat_map(|(item, _)| [item.name.clone(), item.second_name.clone()]).collect();
        let rows = stored!(
            "where (i.parent_key, i.name) in (select * from unnest($1::bigint[], $2::text[]))",
            &parents,
            &names
        );
        let rows = rows.fetch_all(connection).await?;
        let taken = rows.into_iter().filter_map(|row| Some(((row.parent_key?, row.name.clone()), Some(row))));
        Ok(Self { taken: taken.collect() })
    }

    /// An item without a source that is what the sync wants: upstream's sync made it, or it is a folder to share.
    fn take_over(&mut self, parent_key: i64, item: &SyncedItem) -> Option<Stored> {
        let slot = self.taken.get_mut(&(parent_key, item.name.clone()))?;
        let fits = slot.as_ref().is_some_and(|row| {
            row.source_id.is_none()
                && row.is_folder == item.is_folder
                && (row.read_only || item.is_folder && !item.read_only)
        });
        // The name stays taken; the item cannot be taken over twice.
        if fits { slot.take() } else { None }
    }

    /// Whether an item has its second name for a reason that still holds.
    fn is_second(&self, row: &Stored, item: &SyncedItem, parent_key: i64) -> bool {
        let first_is_taken = self.taken.contains_key(&(parent_key, item.name.clone()));
        first_is_taken && row.name.starts_with(&item.second_name)
    }

    /// A name for an item that no sibling has.
    async fn free(
        &mut self,
        connection: &mut PgConnection,
        place: &Place,
        item: &SyncedItem,
        own_key: Option<i64>,
    ) -> Attempt<String> {
        for name in second_names(item) {
            let slot = (place.key, name.clone());
            let taken = match self.taken.get(&slot) {
                Some(owner) => owner.as_ref().is_none_or(|owner| Some(owner.key) != own_key),
                None => super::write::named(connection, place.key, &name)
                    .await?
                    .is_some_and(|(key, _)| Some(key) != own_key),
            };
            if !taken {
                self.taken.insert(slot, None);
                return Ok(name);
            }
        }
        Err(StoreError::Invalid(format!("There is no name left for {}", item.source_id)).into())
    }
}

pub(super) async fn sweep(pool: &PgPool, run: SyncRun<'_>, author: &Author<'_>) -> Attempt<u64> {
    let mut transaction = begin(pool, Change::Moves).await?;
    let gone = sqlx::query_as!(
        Spot,
        r#"
        select i.key, p.path, i.is_folder, i.read_only
        from synced_items s join context_items i on i.key = s.item_key
        join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
        where s.source = $1 and s.sync_run <> $2 and not exists (
            select from synced_items above where above.item_key = i.parent_key and above.source = $1 and above.sync_run <> $2
        )
        "#,
        run.source,
        run.run_id
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut subtrees = 0;
    for item in gone {
        // One may lie below another that has just gone.
        if sync_write::path(&mut transaction, item.key).await? == item.path {
            put_away(&mut transaction, &item, author, true).await?;
            subtrees += 1;
        }
    }
    transaction.commit().await?;
    Ok(subtrees)
}

pub(super) async fn ids(pool: &PgPool, source: &str, source_ids: &[String]) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        r#"
        select s.source_id, i.id from synced_items s join context_items i on i.key = s.item_key
        join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
        where s.source = $1 and s.source_id = any($2)
        "#,
        source,
        source_ids
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.source_id, row.id)).collect())
}

pub(super) async fn counts(pool: &PgPool) -> Result<Counts> {
    let row = sqlx::query!(
        r#"
        select count(*) filter (where p.path < '1/' and i.is_folder) as "folders!",
            count(*) filter (where p.path < '1/' and not i.is_folder) as "articles!",
            count(*) filter (where p.path < '1/' and s.source_kind in ('company', 'person', 'contact', 'asset', 'group')
                and s.source_id <> 'companies') as "company_items!",
            count(*) filter (where p.path < '1/' and s.source_kind = 'ticket' and not i.is_folder) as "tickets!",
            count(*) filter (where p.path >= '1/') as "trash!",
            (select count(*) from companies) as "companies!",
            (select count(*) from files f join tree_paths w on w.item_key = f.item_key and w.path < '1/') as "files!"
        from context_items i join tree_paths p on p.item_key = i.key left join synced_items s on s.item_key = i.key
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(Counts {
        folders: row.folders,
        articles: row.articles,
        files: row.files,
        company_items: row.company_items,
        tickets: row.tickets,
        companies: row.companies,
        trash: row.trash,
    })
}

pub(super) async fn state(pool: &PgPool, key: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!("select value from job_state where key = $1", key).fetch_optional(pool).await?)
}

pub(super) async fn set_state(pool: &PgPool, key: &str, expected: Option<&str>, value: &str) -> Attempt<bool> {
    let written = match expected {
        None => sqlx::query!(
            "insert into job_state (key, value) values ($1, $2) on conflict do nothing",
            key,
            value
        )
        .execute(pool)
        .await?,
        Some(expected) => sqlx::query!(
            "update job_state set value = $3 where key = $1 and value = $2",
            key,
            expected,
            value
        )
        .execute(pool)
        .await?,
    };
    Ok(written.rows_affected() == 1)
}
