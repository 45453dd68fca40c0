"""redis-py-cluster 2, for redis-py 3."""

import writer
from rediscluster import RedisCluster

writer.run(lambda ports: RedisCluster(startup_nodes=[{"host": "127.0.0.1", "port": str(p)} for p in ports]))
