"""redis-py, which waits for each reply."""

import writer
from redis.cluster import ClusterNode, RedisCluster

writer.run(lambda ports: RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", p) for p in ports]))
