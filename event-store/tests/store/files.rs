//! The files of a store on SQLite: where they are made, who may read them, and their backups.

use std::path::Path;

use event_store::{Error, EventStore};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::sample::{count, ingest, json};

/// The names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_backups_to_one_file_one_is_made_and_whole() {
    let (disk, folder) = (Disk::sqlite(), TempDir::new().unwrap());
    let store = disk.open().await;
    ingest(&store, (0..500).map(|number| json(&number.to_string(), "")).collect()).await;
    for round in 0..20 {
        let file = folder.path().join(format!("{round}.db"));
        let (one, other) = tokio::join!(store.back_up(&file), store.back_up(&file));
        let refused = match (one, other) {
            (Ok(()), Err(refused)) | (Err(refused), Ok(())) => refused,
            both => panic!("{both:?}"),
        };
        assert!(
            matches!(&refused, Error::Config(text) if text.contains("is there already")),
            "{refused:?}"
        );
        let copy = EventStore::connect(&format!("sqlite://{}", file.display()))
            .await
            .unwrap();
        assert_eq!(count(&copy).await, 500);
        copy.close().await.unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(names(folder.path()), [""; 0], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_made_is_no_backup_of_ours() {
    let (disk, folder) = (Disk::sqlite(), TempDir::new().unwrap());
    let store = disk.open().await;
    let file = folder.path().join("backup.db");
    let others = folder.path().join("backup.db.unfinished");
    std::fs::write(&others, "another's").unwrap();
    let refused = store.back_up(&file).await;
    assert!(
        matches!(&refused, Err(Error::Config(text)) if text.contains(others.to_str().unwrap())),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&others).unwrap(), b"another's");
    std::fs::remove_file(&others).unwrap();
    store.back_up(&file).await.unwrap();
    assert_eq!(names(folder.path()), ["backup.db"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_follows_no_link() {
    let (disk, folder) = (Disk::sqlite(), TempDir::new().unwrap());
    let store = disk.open().await;
    let file = folder.path().join("backup.db");
    for link in ["backup.db", "backup.db.unfinished"] {
        let link = folder.path().join(link);
        std::os::unix::fs::symlink("elsewhere.db", &link).unwrap();
        let refused = store.back_up(&file).await;
        assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
        std::fs::remove_file(link).unwrap();
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_a_link_leads_to_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let link = folder.path().join("events.db");
    std::fs::create_dir(folder.path().join("other")).unwrap();
    std::os::unix::fs::symlink("other/events.db", &link).unwrap();
    let store = EventStore::connect(&format!("sqlite://{}?mode=rwc", link.display()))
        .await
        .unwrap();
    ingest(&store, vec![json("1", "")]).await;
    for file in ["other/events.db", "other/events.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_has_no_file() {
    let store = EventStore::connect("sqlite::memory:?mode=rwc").await.unwrap();
    ingest(&store, vec![json("1", "")]).await;
    // By the name that the driver gives it.
    let is_it = |name: &String| name.starts_with("file:") || name.contains("in-memory");
    let made: Vec<_> = names(Path::new(".")).into_iter().filter(is_it).collect();
    assert_eq!(made, [""; 0]);
}
