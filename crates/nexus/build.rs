//! Lists the files below `static/`, so that they are compiled into the binary, and puts the stylesheet and the script of the
//! pages together from the files below `css/` and `js/`, in the order of their names.

#[path = "build/colors.rs"]
mod colors;

use std::{
    env,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let output = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let root = manifest.join("static");
    println!("cargo:rerun-if-changed=static");
    println!("cargo:rerun-if-changed=css");
    println!("cargo:rerun-if-changed=js");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build/colors.rs");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let sheet = output.join("global.css");
    fs::write(&sheet, stylesheet(&manifest.join("css"))?)?;
    let script = output.join("ui.js");
    fs::write(&script, joined(&manifest.join("js"))?)?;
    let mut code = String::from("static FILES: &[(&str, &[u8])] = &[\n");
    for (name, file) in [("css/global.css", &sheet), ("js/ui.js", &script)] {
        writeln!(code, "    ({name:?}, include_bytes!({file:?})),").map_err(io::Error::other)?;
    }
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        writeln!(code, "    ({:?}, include_bytes!({:?})),", name, file).map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(output.join("static_files.rs"), code)
}

/// The parts of `global.css`, one after the other, and the colours again for older browsers.
fn stylesheet(directory: &Path) -> io::Result<String> {
    let mut sheet = joined(directory)?;
    sheet.push_str(&colors::without_pairs(&fs::read_to_string(directory.join("10-tokens.css"))?));
    Ok(sheet)
}

/// The files of a directory, one after the other.
fn joined(directory: &Path) -> io::Result<String> {
    let mut parts = Vec::new();
    collect(directory, &mut parts)?;
    parts.sort();
    parts.iter().map(fs::read_to_string).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            println!("cargo:rerun-if-changed={}", path.display());
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
