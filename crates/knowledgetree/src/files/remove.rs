//! Bytes that nobody needs any more.

use std::{fs, io, path::PathBuf};

use uuid::Uuid;

use super::{Files, blocking, incoming::sync_folder_of};
use crate::{
    domain::files::FileRecord,
    store::{self, KnowledgeStore},
};

/// Beginning of the names of bytes that are put aside; the hash and a dot follow.
pub(super) const ASIDE: &str = "removed-";

impl Files {
    /// Removes the bytes of files whose records are gone, where no other file has the same. What cannot be removed now is found by the
    /// next look around, so that the change of the tree that led here counts as done.
    pub async fn forget(&self, store: &dyn KnowledgeStore, files: &[FileRecord]) {
        let hashes: Vec<String> = files.iter().filter_map(|file| file.content_hash.clone()).collect();
        if let Err(error) = self.remove_unused(store, hashes).await {
            tracing::warn!(%error, "bytes of removed files stay for now");
        }
        for path in files.iter().filter(|file| file.content_hash.is_none()) {
            if let Some(path) = self.named(&path.filename)
                && let Err(error) = tokio::fs::remove_file(path).await
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "a removed file of the original suite stays on the disk");
            }
        }
    }

    /// Removes those of the bytes that no record has; how many.
    pub(super) async fn remove_unused(
        &self,
        store: &dyn KnowledgeStore,
        hashes: Vec<String>,
    ) -> store::Result<usize> {
        if hashes.is_empty() {
            return Ok(0);
        }
        let mut aside = Vec::new();
        for hash in store.unreferenced(&hashes).await? {
            match self.put_aside(&hash).await {
                Ok(Some(path)) => aside.push((hash, path)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, hash, "bytes could not be removed"),
            }
        }
        self.decide(store, aside).await
    }

    /// Removes what was put aside and is still not needed, and puts the rest back; how many are removed.
    pub(super) async fn decide(
        &self,
        store: &dyn KnowledgeStore,
        aside: Vec<(String, PathBuf)>,
    ) -> store::Result<usize> {
        if aside.is_empty() {
            return Ok(0);
        }
        let hashes: Vec<String> = aside.iter().map(|(hash, _)| hash.clone()).collect();
        let unused = store.unreferenced(&hashes).await;
        let mut removed = 0;
        for (hash, path) in aside {
            // Who does not know keeps.
            let is_unused = unused.as_ref().is_ok_and(|unused| unused.contains(&hash));
            let outcome = if is_unused {
                tokio::fs::remove_file(&path).await
            } else {
                self.put_back(&hash, path).await
            };
            match outcome {
                Ok(()) => removed += usize::from(is_unused),
                Err(error) => tracing::warn!(%error, hash, "bytes lie beside their place for now"),
            }
        }
        unused.map(|_| removed)
    }

    async fn put_aside(&self, hash: &str) -> io::Result<Option<PathBuf>> {
        let Some(place) = self.path_of(hash) else { return Ok(None) };
        let passing = self.passing();
        super::make_folder(&passing).await?;
        let aside = passing.join(format!("{ASIDE}{hash}.{}", Uuid::new_v4()));
        match tokio::fs::rename(place, &aside).await {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_back(&self, hash: &str, aside: PathBuf) -> io::Result<()> {
        let Some(place) = self.path_of(hash) else { return Ok(()) };
        blocking(move || {
            // The same bytes may be there again; then these replace them.
            fs::rename(aside, &place)?;
            sync_folder_of(&place)
        })
        .await
    }
}
