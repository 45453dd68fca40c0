//! Options about TLS.

use crate::checks;
use crate::option::{Kind, Opt, choice, field};
use crate::rows::INT;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "tls-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(tls_port),
        },
    )
    .refused("TLS does not exist in this version"),
    Opt::new("tls-cluster", "no", Kind::YesNo(field!(tls_cluster)))
        .refused("TLS does not exist in this version"),
    Opt::new(
        "tls-replication",
        "no",
        Kind::YesNo(field!(tls_replication)),
    )
    .refused("TLS does not exist in this version"),
    Opt::new(
        "tls-auth-clients",
        "yes",
        Kind::Choice(choice!(tls_auth_clients: TlsAuthClients)),
    )
    .stored(),
    Opt::new(
        "tls-prefer-server-ciphers",
        "no",
        Kind::YesNo(field!(tls_prefer_server_ciphers)),
    )
    .stored(),
    Opt::new(
        "tls-session-caching",
        "yes",
        Kind::YesNo(field!(tls_session_caching)),
    )
    .stored(),
    Opt::new(
        "tls-session-cache-size",
        "20480",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(tls_session_cache_size),
        },
    )
    .stored(),
    Opt::new(
        "tls-session-cache-timeout",
        "300",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(tls_session_cache_timeout),
        },
    )
    .stored(),
    Opt::new(
        "tls-cert-file",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_cert_file),
        },
    )
    .stored(),
    Opt::new(
        "tls-key-file",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_key_file),
        },
    )
    .stored(),
    Opt::new(
        "tls-key-file-pass",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_key_file_pass),
        },
    )
    .sensitive()
    .stored(),
    Opt::new(
        "tls-client-cert-file",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_client_cert_file),
        },
    )
    .stored(),
    Opt::new(
        "tls-client-key-file",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_client_key_file),
        },
    )
    .stored(),
    Opt::new(
        "tls-client-key-file-pass",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_client_key_file_pass),
        },
    )
    .sensitive()
    .stored(),
    Opt::new(
        "tls-dh-params-file",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_dh_params_file),
        },
    )
    .stored(),
    Opt::new(
        "tls-ca-cert-file",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_ca_cert_file),
        },
    )
    .stored(),
    Opt::new(
        "tls-ca-cert-dir",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_ca_cert_dir),
        },
    )
    .stored(),
    Opt::new(
        "tls-protocols",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_protocols),
        },
    )
    .stored(),
    Opt::new(
        "tls-ciphers",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_ciphers),
        },
    )
    .stored(),
    Opt::new(
        "tls-ciphersuites",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(tls_ciphersuites),
        },
    )
    .stored(),
];
