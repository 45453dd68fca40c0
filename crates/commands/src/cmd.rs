//! One name for every command and subcommand: what handlers match on.

/// A command or a subcommand. The numbers are dense and in the order of the families; they may
/// change with every release and are not for storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Cmd {
    /// `APPEND`
    Append,
    /// `DECR`
    Decr,
    /// `DECRBY`
    Decrby,
    /// `GET`
    Get,
    /// `GETDEL`
    Getdel,
    /// `GETEX`
    Getex,
    /// `GETRANGE`
    Getrange,
    /// `GETSET`
    Getset,
    /// `INCR`
    Incr,
    /// `INCRBY`
    Incrby,
    /// `INCRBYFLOAT`
    Incrbyfloat,
    /// `LCS`
    Lcs,
    /// `MGET`
    Mget,
    /// `MSET`
    Mset,
    /// `MSETNX`
    Msetnx,
    /// `PSETEX`
    Psetex,
    /// `SET`
    Set,
    /// `SETEX`
    Setex,
    /// `SETNX`
    Setnx,
    /// `SETRANGE`
    Setrange,
    /// `STRLEN`
    Strlen,
    /// `SUBSTR`
    Substr,
    /// `BITCOUNT`
    Bitcount,
    /// `BITFIELD`
    Bitfield,
    /// `BITFIELD_RO`
    BitfieldRo,
    /// `BITOP`
    Bitop,
    /// `BITPOS`
    Bitpos,
    /// `GETBIT`
    Getbit,
    /// `SETBIT`
    Setbit,
    /// `HDEL`
    Hdel,
    /// `HEXISTS`
    Hexists,
    /// `HGET`
    Hget,
    /// `HGETALL`
    Hgetall,
    /// `HINCRBY`
    Hincrby,
    /// `HINCRBYFLOAT`
    Hincrbyfloat,
    /// `HKEYS`
    Hkeys,
    /// `HLEN`
    Hlen,
    /// `HMGET`
    Hmget,
    /// `HMSET`
    Hmset,
    /// `HRANDFIELD`
    Hrandfield,
    /// `HSCAN`
    Hscan,
    /// `HSET`
    Hset,
    /// `HSETNX`
    Hsetnx,
    /// `HSTRLEN`
    Hstrlen,
    /// `HVALS`
    Hvals,
    /// `LINDEX`
    Lindex,
    /// `LINSERT`
    Linsert,
    /// `LLEN`
    Llen,
    /// `LMOVE`
    Lmove,
    /// `LMPOP`
    Lmpop,
    /// `LPOP`
    Lpop,
    /// `LPOS`
    Lpos,
    /// `LPUSH`
    Lpush,
    /// `LPUSHX`
    Lpushx,
    /// `LRANGE`
    Lrange,
    /// `LREM`
    Lrem,
    /// `LSET`
    Lset,
    /// `LTRIM`
    Ltrim,
    /// `RPOP`
    Rpop,
    /// `RPOPLPUSH`
    Rpoplpush,
    /// `RPUSH`
    Rpush,
    /// `RPUSHX`
    Rpushx,
    /// `COPY`
    Copy,
    /// `DEL`
    Del,
    /// `DUMP`
    Dump,
    /// `EXISTS`
    Exists,
    /// `KEYS`
    Keys,
    /// `MIGRATE`
    Migrate,
    /// `MOVE`
    Move,
    /// `OBJECT`
    Object,
    /// `OBJECT ENCODING`
    ObjectEncoding,
    /// `OBJECT FREQ`
    ObjectFreq,
    /// `OBJECT HELP`
    ObjectHelp,
    /// `OBJECT IDLETIME`
    ObjectIdletime,
    /// `OBJECT REFCOUNT`
    ObjectRefcount,
    /// `PERSIST`
    Persist,
    /// `RANDOMKEY`
    Randomkey,
    /// `RENAME`
    Rename,
    /// `RENAMENX`
    Renamenx,
    /// `RESTORE`
    Restore,
    /// `SCAN`
    Scan,
    /// `SORT`
    Sort,
    /// `SORT_RO`
    SortRo,
    /// `TOUCH`
    Touch,
    /// `TYPE`
    Type,
    /// `UNLINK`
    Unlink,
    /// `WAIT`
    Wait,
    /// `WAITAOF`
    Waitaof,
    /// `EXPIRE`
    Expire,
    /// `EXPIREAT`
    Expireat,
    /// `EXPIRETIME`
    Expiretime,
    /// `PEXPIRE`
    Pexpire,
    /// `PEXPIREAT`
    Pexpireat,
    /// `PEXPIRETIME`
    Pexpiretime,
    /// `PTTL`
    Pttl,
    /// `TTL`
    Ttl,
    /// `MULTI`
    Multi,
    /// `EXEC`
    Exec,
    /// `DISCARD`
    Discard,
    /// `WATCH`
    Watch,
    /// `UNWATCH`
    Unwatch,
    /// `AUTH`
    Auth,
    /// `CLIENT`
    Client,
    /// `CLIENT GETNAME`
    ClientGetname,
    /// `CLIENT HELP`
    ClientHelp,
    /// `CLIENT ID`
    ClientId,
    /// `CLIENT INFO`
    ClientInfo,
    /// `CLIENT KILL`
    ClientKill,
    /// `CLIENT LIST`
    ClientList,
    /// `CLIENT NO-EVICT`
    ClientNoEvict,
    /// `CLIENT NO-TOUCH`
    ClientNoTouch,
    /// `CLIENT PAUSE`
    ClientPause,
    /// `CLIENT REPLY`
    ClientReply,
    /// `CLIENT SETINFO`
    ClientSetinfo,
    /// `CLIENT SETNAME`
    ClientSetname,
    /// `CLIENT UNBLOCK`
    ClientUnblock,
    /// `CLIENT UNPAUSE`
    ClientUnpause,
    /// `ECHO`
    Echo,
    /// `HELLO`
    Hello,
    /// `PING`
    Ping,
    /// `QUIT`
    Quit,
    /// `RESET`
    Reset,
    /// `SELECT`
    Select,
    /// `BGREWRITEAOF`
    Bgrewriteaof,
    /// `BGSAVE`
    Bgsave,
    /// `DBSIZE`
    Dbsize,
    /// `DEBUG`
    Debug,
    /// `FLUSHALL`
    Flushall,
    /// `FLUSHDB`
    Flushdb,
    /// `INFO`
    Info,
    /// `LASTSAVE`
    Lastsave,
    /// `MONITOR`
    Monitor,
    /// `RESTORE-ASKING`
    RestoreAsking,
    /// `SAVE`
    Save,
    /// `SHUTDOWN`
    Shutdown,
    /// `SWAPDB`
    Swapdb,
    /// `TIME`
    Time,
    /// `COMMAND`
    Command,
    /// `COMMAND COUNT`
    CommandCount,
    /// `COMMAND DOCS`
    CommandDocs,
    /// `COMMAND GETKEYS`
    CommandGetkeys,
    /// `COMMAND GETKEYSANDFLAGS`
    CommandGetkeysandflags,
    /// `COMMAND HELP`
    CommandHelp,
    /// `COMMAND INFO`
    CommandInfo,
    /// `COMMAND LIST`
    CommandList,
    /// `CONFIG`
    Config,
    /// `CONFIG GET`
    ConfigGet,
    /// `CONFIG HELP`
    ConfigHelp,
    /// `CONFIG RESETSTAT`
    ConfigResetstat,
    /// `CONFIG REWRITE`
    ConfigRewrite,
    /// `CONFIG SET`
    ConfigSet,
    /// `LATENCY`
    Latency,
    /// `LATENCY DOCTOR`
    LatencyDoctor,
    /// `LATENCY GRAPH`
    LatencyGraph,
    /// `LATENCY HELP`
    LatencyHelp,
    /// `LATENCY HISTOGRAM`
    LatencyHistogram,
    /// `LATENCY HISTORY`
    LatencyHistory,
    /// `LATENCY LATEST`
    LatencyLatest,
    /// `LATENCY RESET`
    LatencyReset,
    /// `MEMORY`
    Memory,
    /// `MEMORY DOCTOR`
    MemoryDoctor,
    /// `MEMORY HELP`
    MemoryHelp,
    /// `MEMORY MALLOC-STATS`
    MemoryMallocStats,
    /// `MEMORY PURGE`
    MemoryPurge,
    /// `MEMORY STATS`
    MemoryStats,
    /// `MEMORY USAGE`
    MemoryUsage,
    /// `SLOWLOG`
    Slowlog,
    /// `SLOWLOG GET`
    SlowlogGet,
    /// `SLOWLOG HELP`
    SlowlogHelp,
    /// `SLOWLOG LEN`
    SlowlogLen,
    /// `SLOWLOG RESET`
    SlowlogReset,
    /// `PSYNC`
    Psync,
    /// `REPLCONF`
    Replconf,
    /// `REPLICAOF`
    Replicaof,
    /// `ROLE`
    Role,
    /// `SLAVEOF`
    Slaveof,
    /// `SYNC`
    Sync,
    /// `ASKING`
    Asking,
    /// `READONLY`
    Readonly,
    /// `READWRITE`
    Readwrite,
    /// `CLUSTER`
    Cluster,
    /// `CLUSTER ADDSLOTS`
    ClusterAddslots,
    /// `CLUSTER ADDSLOTSRANGE`
    ClusterAddslotsrange,
    /// `CLUSTER BUMPEPOCH`
    ClusterBumpepoch,
    /// `CLUSTER COUNT-FAILURE-REPORTS`
    ClusterCountFailureReports,
    /// `CLUSTER COUNTKEYSINSLOT`
    ClusterCountkeysinslot,
    /// `CLUSTER DELSLOTS`
    ClusterDelslots,
    /// `CLUSTER DELSLOTSRANGE`
    ClusterDelslotsrange,
    /// `CLUSTER FAILOVER`
    ClusterFailover,
    /// `CLUSTER FLUSHSLOTS`
    ClusterFlushslots,
    /// `CLUSTER FORGET`
    ClusterForget,
    /// `CLUSTER GETKEYSINSLOT`
    ClusterGetkeysinslot,
    /// `CLUSTER HELP`
    ClusterHelp,
    /// `CLUSTER INFO`
    ClusterInfo,
    /// `CLUSTER KEYSLOT`
    ClusterKeyslot,
    /// `CLUSTER LINKS`
    ClusterLinks,
    /// `CLUSTER MEET`
    ClusterMeet,
    /// `CLUSTER MYID`
    ClusterMyid,
    /// `CLUSTER MYSHARDID`
    ClusterMyshardid,
    /// `CLUSTER NODES`
    ClusterNodes,
    /// `CLUSTER REPLICAS`
    ClusterReplicas,
    /// `CLUSTER REPLICATE`
    ClusterReplicate,
    /// `CLUSTER RESET`
    ClusterReset,
    /// `CLUSTER SAVECONFIG`
    ClusterSaveconfig,
    /// `CLUSTER SET-CONFIG-EPOCH`
    ClusterSetConfigEpoch,
    /// `CLUSTER SETSLOT`
    ClusterSetslot,
    /// `CLUSTER SHARDS`
    ClusterShards,
    /// `CLUSTER SLAVES`
    ClusterSlaves,
    /// `CLUSTER SLOTS`
    ClusterSlots,
}

impl Cmd {
    /// How many there are.
    pub const COUNT: usize = Cmd::ClusterSlots as usize + 1;
}
