//! Rows of the table: the cluster.

use crate::arg::{block, integer, oneof, string, word};
use crate::flags::{acl, flag};
use crate::spec::Group;

family!(
    cluster,
    Asking = engine("asking", 1, "3.0.0", Group::Cluster)
        .flags(flag::FAST)
        .acl(acl::CONNECTION)
        .text(
            "Lets the next command through to a slot that is being imported here.",
            "O(1)",
        ),
    Readonly = engine("readonly", 1, "3.0.0", Group::Cluster)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .acl(acl::CONNECTION)
        .text(
            "Lets the connection read from a replica of the cluster.",
            "O(1)",
        ),
    Readwrite = engine("readwrite", 1, "3.0.0", Group::Cluster)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .acl(acl::CONNECTION)
        .text("Ends what READONLY began.", "O(1)"),
    Cluster = container("cluster", -2, "3.0.0", Group::Cluster).text(
        "Groups the subcommands about the cluster.",
        "Depends on subcommand.",
    ),
    ClusterAddslots = host("cluster|addslots", -3, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text(
            "Gives hash slots to this node.",
            "O(N), N being the slots named",
        )
        .args(&[integer("slot").multi()]),
    ClusterAddslotsrange = host("cluster|addslotsrange", -4, "7.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text(
            "Gives ranges of hash slots to this node.",
            "O(N), N being the slots in the ranges",
        )
        .args(&[block("range", &[integer("start-slot"), integer("end-slot")]).multi()]),
    ClusterBumpepoch = host("cluster|bumpepoch", 2, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .tips(&["nondeterministic_output"])
        .text("Takes a new configuration epoch for this node.", "O(1)"),
    ClusterCountFailureReports = host("cluster|count-failure-reports", 3, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Counts the standing reports that a node has failed.",
            "O(N), N being the reports",
        )
        .args(&[string("node-id")]),
    ClusterCountkeysinslot = engine("cluster|countkeysinslot", 3, "3.0.0", Group::Cluster)
        .flags(flag::WANDERS | flag::STALE)
        .text("Counts the keys of a hash slot.", "O(1)")
        .args(&[integer("slot")]),
    ClusterDelslots = host("cluster|delslots", -3, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text(
            "Takes hash slots away from whichever node this one thinks owns them.",
            "O(N), N being the slots named",
        )
        .args(&[integer("slot").multi()]),
    ClusterDelslotsrange = host("cluster|delslotsrange", -4, "7.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text(
            "Takes ranges of hash slots away from whichever node this one thinks owns them.",
            "O(N), N being the slots in the ranges",
        )
        .args(&[block("range", &[integer("start-slot"), integer("end-slot")]).multi()]),
    ClusterFailover = host("cluster|failover", -2, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Lets this replica take its master's place.", "O(1)")
        .args(&[oneof(
            "options",
            &[word("force", "FORCE"), word("takeover", "TAKEOVER")],
        )
        .opt()]),
    ClusterFlushslots = host("cluster|flushslots", 2, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Drops all of this node's hash slots.", "O(1)"),
    ClusterForget = host("cluster|forget", 3, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Takes a node off the list of known nodes.", "O(1)")
        .args(&[string("node-id")]),
    ClusterGetkeysinslot = engine("cluster|getkeysinslot", 4, "3.0.0", Group::Cluster)
        .flags(flag::WANDERS | flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Lists keys of a hash slot.",
            "O(N), N being the keys asked for",
        )
        .args(&[integer("slot"), integer("count")]),
    ClusterHelp = engine("cluster|help", 2, "5.0.0", Group::Cluster)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    ClusterInfo = host("cluster|info", 2, "3.0.0", Group::Cluster)
        .flags(flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Describes the state of the cluster as this node sees it.",
            "O(1)",
        ),
    ClusterKeyslot = host("cluster|keyslot", 3, "3.0.0", Group::Cluster)
        .flags(flag::STALE)
        .text(
            "Computes the hash slot of a key.",
            "O(N), N being the bytes of the key",
        )
        .args(&[string("key")]),
    ClusterLinks = host("cluster|links", 2, "7.0.0", Group::Cluster)
        .flags(flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Describes the bus connections to and from other nodes.",
            "O(N), N being the nodes",
        ),
    ClusterMeet = host("cluster|meet", -4, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Introduces another node to the cluster.", "O(1)")
        .history(&[("4.0.0", "Argument `cluster_bus_port`.")])
        .args(&[
            string("ip"),
            integer("port"),
            integer("cluster-bus-port").since("4.0.0").opt(),
        ]),
    ClusterMyid = host("cluster|myid", 2, "3.0.0", Group::Cluster)
        .flags(flag::STALE)
        .text("Replies with this node's id.", "O(1)"),
    ClusterMyshardid = host("cluster|myshardid", 2, "7.2.0", Group::Cluster)
        .flags(flag::STALE)
        .tips(&["nondeterministic_output"])
        .text("Replies with the id of this node's shard.", "O(1)"),
    ClusterNodes = host("cluster|nodes", 2, "3.0.0", Group::Cluster)
        .flags(flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Lists the known nodes with their roles and slots.",
            "O(N), N being the nodes",
        ),
    ClusterReplicas = host("cluster|replicas", 3, "5.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Lists the replicas of a master.",
            "O(N), N being the replicas",
        )
        .args(&[string("node-id")]),
    ClusterReplicate = host("cluster|replicate", 3, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Makes this node a replica of a master.", "O(1)")
        .args(&[string("node-id")]),
    ClusterReset = host("cluster|reset", -2, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::STALE)
        .text(
            "Makes this node forget the cluster.",
            "O(N), N being the nodes; a FLUSHALL may come with it",
        )
        .args(&[oneof("reset-type", &[word("hard", "HARD"), word("soft", "SOFT")]).opt()]),
    ClusterSaveconfig = host("cluster|saveconfig", 2, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Writes the cluster's state to this node's file.", "O(1)"),
    ClusterSetConfigEpoch = host("cluster|set-config-epoch", 3, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Sets the configuration epoch of a fresh node.", "O(1)")
        .args(&[integer("config-epoch")]),
    ClusterSetslot = host("cluster|setslot", -4, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Sets the state or the owner of one hash slot.", "O(1)")
        .args(&[
            integer("slot"),
            oneof(
                "subcommand",
                &[
                    string("importing").token("IMPORTING").show("node-id"),
                    string("migrating").token("MIGRATING").show("node-id"),
                    string("node").token("NODE").show("node-id"),
                    word("stable", "STABLE"),
                ],
            ),
        ]),
    ClusterShards = host("cluster|shards", 2, "7.0.0", Group::Cluster)
        .flags(flag::LOADING | flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Lists the shards with their slots and nodes.",
            "O(N), N being the nodes",
        ),
    ClusterSlaves = host("cluster|slaves", 3, "3.0.0", Group::Cluster)
        .flags(flag::ADMIN | flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Older name of CLUSTER REPLICAS.",
            "O(N), N being the replicas",
        )
        .deprecated("5.0.0", "`CLUSTER REPLICAS`")
        .args(&[string("node-id")]),
    ClusterSlots = host("cluster|slots", 2, "3.0.0", Group::Cluster)
        .flags(flag::LOADING | flag::STALE)
        .tips(&["nondeterministic_output"])
        .text(
            "Lists the ranges of hash slots with the nodes that serve them.",
            "O(N), N being the nodes",
        )
        .history(&[
            ("4.0.0", "Node ids."),
            ("7.0.0", "A list of further network names."),
        ])
        .deprecated("7.0.0", "`CLUSTER SHARDS`"),
);
