//! Tests of telling a supervisor.

use super::*;

#[test]
fn systemd_is_told() {
    let path = std::env::temp_dir().join(format!("server-notify-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let by_path = UnixDatagram::bind(&path).unwrap();
    let name = format!("server-notify-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let by_name = UnixDatagram::bind_addr(&address).unwrap();
    let ends = [
        (by_path, path.clone().into_os_string()),
        (by_name, format!("@{name}").into()),
    ];
    for (end, named) in ends {
        for wanted in [Supervised::Systemd, Supervised::Auto] {
            let supervisor = Supervisor::find_in(wanted, Some(named.clone()), None).unwrap();
            supervisor.status("Loading").unwrap();
            supervisor.ready().unwrap();
            supervisor.stopping().unwrap();
            let mut all = Vec::new();
            for _ in 0..3 {
                let mut packet = [0; 100];
                let len = end.recv(&mut packet).unwrap();
                all.extend_from_slice(&packet[..len]);
            }
            let expected =
                b"STATUS=Loading\nSTATUS=Ready to accept connections\nREADY=1\nSTOPPING=1\n";
            assert_eq!(all, expected);
        }
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn the_environment_decides() {
    let find = |wanted, systemd: Option<&str>, upstart: Option<&str>| {
        Supervisor::find_in(wanted, systemd.map(Into::into), upstart.map(Into::into))
    };
    assert!(matches!(
        find(Supervised::No, Some("/x"), Some("job")),
        Ok(Supervisor::None)
    ));
    assert!(matches!(
        find(Supervised::Auto, None, None),
        Ok(Supervisor::None)
    ));
    let upstart = find(Supervised::Auto, Some("/x"), Some("job"));
    assert!(matches!(upstart, Ok(Supervisor::Upstart)));
    let missing = find(Supervised::Systemd, None, Some("job"));
    assert!(matches!(
        missing,
        Err(SuperviseError::Missing("NOTIFY_SOCKET"))
    ));
    let missing = find(Supervised::Upstart, Some("/x"), None);
    assert!(matches!(
        missing,
        Err(SuperviseError::Missing("UPSTART_JOB"))
    ));
    assert!(matches!(
        find(Supervised::Systemd, Some("/gone"), None).unwrap().ready(),
        Err(error) if error.kind() == io::ErrorKind::NotFound
    ));
}
