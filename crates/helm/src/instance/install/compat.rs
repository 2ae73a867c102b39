//! The names of the original suite's scripts, for fingers and crontabs (helm.md §8).

use std::path::Path;

use super::Step;

/// Their folder, below that of the programs.
pub const FOLDER: &str = "compat";

macro_rules! scripts {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../../../deploy/compat/", $name)))),+]
    };
}

/// Each with its text.
pub const SCRIPTS: [(&str, &str); 9] = scripts![
    "auth_cli.py",
    "cleanup_old_logs.py",
    "cli.py",
    "config_manager.py",
    "create_test_token.py",
    "install_manager.py",
    "logs_cli.py",
    "logs_cli_enhanced.py",
    "test_with_token.sh",
];

/// The steps that write them.
pub(super) fn steps(programs: &Path) -> impl Iterator<Item = Step> {
    let folder = programs.join(FOLDER);
    let script = {
        let folder = folder.clone();
        move |(name, text): (&str, &str)| Step::file(folder.join(name), text.to_owned(), 0o755)
    };
    [Step::folder(folder, 0o755)].into_iter().chain(SCRIPTS.into_iter().map(script))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_script_of_the_folder_is_put_in_place() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/compat");
        let there: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(there, SCRIPTS.iter().map(|(name, _)| (*name).to_owned()).collect());
    }
}
