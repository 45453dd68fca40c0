//! REPLCONF: what a replica says of itself before the stream, and how far it is afterwards.
use super::{PrimaryEffect, PrimarySession, State};
use base::Offset;
use resp::Range;

/// Longest address that may be announced.
const LONGEST_IP: usize = 255;

const NOT_A_NUMBER: &str = "ERR value is not an integer or out of range";

impl PrimarySession {
    /// `REPLCONF option value …`, without its name. Replies as Redis 7.2 does; ACK and GETACK get
    /// no reply.
    pub fn replconf(&mut self, now: u64, args: &[&[u8]]) {
        if args.len() % 2 == 1 {
            self.reply_error("ERR syntax error");
            return;
        }
        for (i, pair) in args.chunks_exact(2).enumerate() {
            let (option, value) = (pair[0], pair[1]);
            let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
            if is("ack") {
                self.take_ack(now, value, &args[i * 2 + 2..]);
                return;
            }
            if is("getack") {
                self.effects.push_back(PrimaryEffect::AcknowledgeNow);
                return;
            }
            if let Err(error) = self.take_option(option, value) {
                self.reply_error(&error);
                return;
            }
        }
        self.effects
            .push_back(PrimaryEffect::Send(b"+OK\r\n".to_vec()));
    }

    fn take_option(&mut self, option: &[u8], value: &[u8]) -> Result<(), String> {
        let text = || String::from_utf8_lossy(value).into_owned();
        match option.to_ascii_lowercase().as_slice() {
            b"listening-port" => {
                self.said.port = Some(base::num::parse_i64(value).ok_or(NOT_A_NUMBER)?);
            }
            b"ip-address" if value.len() > LONGEST_IP => {
                return Err(format!(
                    "ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                    value.len()
                ));
            }
            b"ip-address" => self.said.ip = Some(text()).filter(|ip| !ip.is_empty()),
            b"capa" if value.eq_ignore_ascii_case(b"eof") => self.said.eof = true,
            b"capa" if value.eq_ignore_ascii_case(b"psync2") => self.said.psync2 = true,
            // What we do not know is not for us.
            b"capa" => {}
            b"rdb-only" => {
                let number = base::num::parse_i64(value).ok_or(NOT_A_NUMBER)?;
                if !(0..=1).contains(&number) {
                    return Err("ERR value is out of range, value must between 0 and 1".into());
                }
                self.said.rdb_only = number == 1;
            }
            b"rdb-filter-only" => self.take_filter(value)?,
            b"version" => self.said.version = Some(text()),
            _ => {
                let option = String::from_utf8_lossy(option).into_owned();
                return Err(format!("ERR Unrecognized REPLCONF option: {option}"));
            }
        }
        Ok(())
    }

    fn take_filter(&mut self, value: &[u8]) -> Result<(), String> {
        let (mut bytes, mut ranges) = (Vec::new(), Vec::<Range>::new());
        if !resp::split_inline(value, &mut bytes, &mut ranges) {
            return Err("ERR Missing rdb-filter-only values".into());
        }
        self.said.without_data = true;
        self.said.without_functions = true;
        for word in resp::Args::new(&bytes, &ranges).iter() {
            if !word.eq_ignore_ascii_case(b"functions") {
                let word = String::from_utf8_lossy(word).into_owned();
                return Err(format!("ERR Unsupported rdb-filter-only option: {word}"));
            }
            self.said.without_functions = false;
        }
        Ok(())
    }

    fn take_ack(&mut self, now: u64, value: &[u8], rest: &[&[u8]]) {
        let Some(applied) = base::num::parse_i64(value).filter(|_| self.is_replica()) else {
            return;
        };
        self.acknowledged = self.acknowledged.max(Offset(applied));
        if let [word, value, ..] = rest
            && word.eq_ignore_ascii_case(b"fack")
            && let Some(fsynced) = base::num::parse_i64(value)
        {
            let highest = self.fsynced.unwrap_or(Offset(fsynced));
            self.fsynced = Some(highest.max(Offset(fsynced)));
        }
        self.last_ack = now;
        self.effects.push_back(PrimaryEffect::Acknowledged {
            applied: self.acknowledged,
            fsynced: self.fsynced,
        });
        match self.state {
            State::Received => self.begin_stream(),
            // It has everything already, and the driver has yet to say that the last byte went out.
            State::Making { streamed: true } => self.received_early = true,
            _ => {}
        }
    }
}
