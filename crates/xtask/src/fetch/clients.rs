//! Stock clients that the tests write with: from PyPI and the npm registry, versions pinned.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::archive::{make, write};
use super::packages::ensure;
use crate::run::{capture, run};

/// Raise when a version changes: what was fetched before is then fetched anew.
const RECIPE: &str = "1";

/// The folder of each, what pip puts there, and what must be there afterwards: old clients need
/// older libraries, so each has its own.
const PYTHON: [(&str, &[&str], &str); 3] = [
    ("redis-py", &["redis==8.1.0"], "redis-8.1.0.dist-info"),
    (
        "redis-py-cluster-2",
        &["redis-py-cluster==2.1.3", "redis==3.5.3"],
        "redis_py_cluster-2.1.3.dist-info",
    ),
    (
        "redis-py-cluster-1",
        &["redis-py-cluster==1.3.6", "redis==2.10.6"],
        "redis_py_cluster-1.3.6.dist-info",
    ),
];
const IOREDIS: &str = "ioredis@5.11.1";
/// Node trusts its own list only, unless it is told of the system's.
const NODE_CERTIFICATES: &str = "NODE_EXTRA_CA_CERTS";
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Fetches what is missing.
pub(super) fn fetch(directory: &Path, refresh: bool) -> Result<(), String> {
    ensure(&[
        ("python3", "python3"),
        ("pip3", "python3-pip"),
        ("node", "nodejs"),
        ("npm", "npm"),
    ])?;
    let recipe = directory.join("recipe");
    let fetched = fs::read_to_string(&recipe).is_ok_and(|text| text == RECIPE);
    if !refresh && fetched && prove(directory).is_ok() {
        println!("clients: all in {}", directory.display());
        return Ok(());
    }
    println!("clients: fetching into {}", directory.display());
    for (folder, packages, _) in PYTHON {
        let folder = directory.join(folder);
        let _ = fs::remove_dir_all(&folder);
        make(&folder)?;
        let quiet = ["-m", "pip", "install", "-q", "--no-input", "--target"];
        run(Command::new("python3")
            .args(quiet)
            .arg(&folder)
            .args(packages)
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1"))?;
    }
    let folder = directory.join("node");
    make(&folder)?;
    let quiet = ["install", "--no-audit", "--no-fund", "--prefix"];
    let mut npm = Command::new("npm");
    npm.args(quiet).arg(&folder).arg(IOREDIS);
    // A registry that is out of reach is said soon.
    npm.args(["--fetch-retries=2", "--fetch-timeout=60000"]);
    if std::env::var_os(NODE_CERTIFICATES).is_none() && Path::new(CERTIFICATES).exists() {
        npm.env(NODE_CERTIFICATES, CERTIFICATES);
    }
    run(&mut npm)?;
    prove(directory)?;
    write(&recipe, RECIPE.as_bytes())
}

/// Every client must load.
fn prove(directory: &Path) -> Result<(), String> {
    for (folder, _, installed) in PYTHON {
        let folder = directory.join(folder);
        if !folder.join(installed).exists() {
            return Err(format!("{installed} is not in {}", folder.display()));
        }
        let module = if folder.join("rediscluster").exists() {
            "rediscluster"
        } else {
            "redis.asyncio.cluster"
        };
        let import = format!("import {module}");
        capture(
            Command::new("python3")
                .args(["-c", &import])
                .env("PYTHONPATH", &folder),
        )?;
    }
    let modules = directory.join("node/node_modules");
    capture(
        Command::new("node")
            .args(["-e", "require('ioredis')"])
            .env("NODE_PATH", modules),
    )?;
    Ok(())
}
