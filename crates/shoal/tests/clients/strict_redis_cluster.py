"""redis-py-cluster 1, for redis-py 2: the client of the tutorial."""

import writer
from rediscluster import StrictRedisCluster


def connect(ports):
    startup_nodes = [{"host": "127.0.0.1", "port": str(port)} for port in ports]
    return StrictRedisCluster(startup_nodes=startup_nodes, decode_responses=True)


writer.run(connect)
