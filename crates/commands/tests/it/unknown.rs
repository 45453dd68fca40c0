//! What a client is told about commands that do not exist, to the byte.

use testkit::{Program, Server, seed};

#[test]
fn errors_are_those_of_the_real_server() {
    let mut random = seed("errors_are_those_of_the_real_server");
    let server = Server::of(Program::Redis74).start();
    let mut conn = server.connect();
    let long = "x".repeat(300);
    let mut requests: Vec<Vec<Vec<u8>>> = [
        vec!["nosuch"],
        vec!["nosuch", "a", "b"],
        vec!["no\r\nsuch", "a\nb"],
        vec!["no\0such", "a\0b", "c"],
        vec!["config", "nosuch", "a"],
        vec!["CoNfIg", "no\r\nsuch"],
        vec!["client", ""],
        vec![""],
        vec![&long, &long, &long],
        vec!["cluster", &long],
    ]
    .iter()
    .map(|request| request.iter().map(|arg| arg.as_bytes().to_vec()).collect())
    .collect();
    for _ in 0..200 {
        let mut request = vec![b"nosuch".to_vec()];
        for _ in 0..random.below(12) {
            let length = random.below(40) as usize;
            // The kit reads errors as text.
            request.push(
                random
                    .bytes(length)
                    .iter()
                    .map(|byte| byte & 0x7f)
                    .collect(),
            );
        }
        requests.push(request);
    }
    for request in &requests {
        let reply = conn.call(request);
        let unknown = commands::resolve(request).unwrap_err();
        let ours = [b"ERR ".to_vec(), unknown.text(request)].concat();
        let ours = String::from_utf8(ours).unwrap();
        assert_eq!(reply.error(), Some(ours.as_str()), "{request:?}");
    }
}
