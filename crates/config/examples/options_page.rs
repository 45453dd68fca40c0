//! Writes the page of options: `cargo run -p config --example options_page`.

fn main() -> std::io::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::create_dir_all(root.join("docs"))?;
    std::fs::write(root.join("docs/options.md"), config::page())
}
