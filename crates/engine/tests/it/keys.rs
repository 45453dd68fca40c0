//! The keys that a command works on are those that it was routed and locked by.

use crate::lab::Lab;

/// Each of these was found in one place by the search for keys and in another by the command.
#[test]
fn sort_stores_where_its_keys_are_found() {
    let mut lab = Lab::new();
    lab.check("RPUSH k 1 2", "2");
    for (line, target) in [
        ("SORT k STORE store DESC", "store"),
        ("SORT k STORE get ALPHA", "get"),
        ("SORT k store by limit 0 10", "by"),
        ("SORT k STORE a STORE store", "store"),
        ("SORT k STORE store STORE limit LIMIT 0 2", "limit"),
    ] {
        lab.check(line, "2");
        lab.check(&format!("COMMAND GETKEYS {line}"), &format!("[k {target}]"));
        lab.check(&format!("LLEN {target}"), "2");
        lab.check(&format!("DEL {target}"), "1");
        lab.check("DBSIZE", "1");
    }
}

/// All in one slot: what was put into a slot that is not its own was found by no DEL.
#[test]
fn keys_of_one_slot_stay_in_it() {
    let mut lab = Lab::new();
    lab.check("RPUSH {t}k 1 2", "2");
    lab.check("SORT {t}k STORE store STORE {t}store DESC", "2");
    lab.check("DEL {t}store", "1");
    lab.check("SORT {t}k STORE {t}a LIMIT 0 1", "1");
    lab.check("DEL {t}a", "1");
    lab.check("DBSIZE", "1");
}

#[test]
fn a_command_without_the_keys_that_it_says_has_an_error_of_its_own() {
    let mut lab = Lab::new();
    lab.check("LMPOP 3 a LEFT", "-ERR syntax error");
    lab.check("LMPOP 2 a LEFT COUNT", "-ERR syntax error");
    lab.check("LMPOP x a LEFT", "-ERR numkeys should be greater than 0");
    lab.check(
        "MSET a 1 b",
        "-ERR wrong number of arguments for 'mset' command",
    );
    lab.check("DBSIZE", "0");
}

#[test]
fn patterns_of_sort_may_lead_anywhere() {
    let mut lab = Lab::new();
    lab.check("RPUSH k 1 2 3", "3");
    lab.check("MSET w_1 3 w_2 2 w_3 1 v_1 a v_2 b v_3 c", "+OK");
    lab.check("SORT k BY w_* GET v_* GET #", "[c 3 b 2 a 1]");
    lab.check("MULTI", "+OK");
    for line in [
        "SET v_2 z",
        "SORT k BY w_* GET v_*",
        "SORT k BY w_* STORE other",
        "LRANGE other 0 -1",
    ] {
        lab.check(line, "+QUEUED");
    }
    lab.check("EXEC", "[+OK [c z a] 3 [3 2 1]]");
}
