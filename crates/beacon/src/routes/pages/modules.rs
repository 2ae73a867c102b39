//! Which modules a page needs, so that the browser can ask for all of them at once instead of finding them one by one.

use std::sync::LazyLock;

use super::ASSETS;

/// The modules of the board, without `main.js` itself, as paths below `/static/`.
pub fn of_the_board() -> &'static [&'static str] {
    static MODULES: LazyLock<Vec<&'static str>> = LazyLock::new(|| imported_by("js/main.js"));
    &MODULES
}

/// The modules of a screen, whose start is a script that loads them.
pub fn of_the_wall() -> &'static [&'static str] {
    static MODULES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let mut modules = imported_by("js/wall-main.js");
        modules.insert(0, "js/wall-main.js");
        modules
    });
    &MODULES
}

/// All that a module imports, directly or not; what it loads later on demand is not among them.
fn imported_by(path: &'static str) -> Vec<&'static str> {
    let mut found = vec![path];
    let mut at = 0;
    while at < found.len() {
        for import in imports(found[at]) {
            if !found.contains(&import) {
                found.push(import);
            }
        }
        at += 1;
    }
    found.split_off(1)
}

fn imports(path: &str) -> Vec<&'static str> {
    let script = ASSETS.iter().find(|asset| asset.path == path);
    let text = script.and_then(|asset| std::str::from_utf8(asset.content).ok()).unwrap_or_default();
    let names = text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next());
    let of = |name: &str| {
        ASSETS.iter().map(|asset| asset.path).find(|path| path.strip_prefix("js/") == Some(name))
    };
    names.filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_modules_of_a_page_are_found_and_those_of_its_worker_are_not() {
        let (board, wall) = (of_the_board(), of_the_wall());
        for module in ["js/controls.js", "js/filter.js", "js/time.js", "js/sla.js"] {
            assert!(board.contains(&module), "{module} in {board:?}");
        }
        for module in ["js/wall-main.js", "js/urgency.js", "js/time.js"] {
            assert!(wall.contains(&module), "{module} in {wall:?}");
        }
        for module in ["js/main.js", "js/feed.js", "js/feed-worker.js", "js/wall.js"] {
            assert!(!board.contains(&module) && !wall.contains(&module), "{module}");
        }
    }

    #[test]
    fn every_import_of_a_script_is_served() {
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.content).unwrap();
            let written = text.matches("from \"./").count();
            assert_eq!(imports(asset.path).len(), written, "{}", asset.path);
        }
    }
}
