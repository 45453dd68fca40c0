"""redis-py with asyncio."""

import asyncio

from redis.asyncio.cluster import ClusterNode, RedisCluster
from writer import PAUSE, arguments, ended, keys, listen, now, reason, say, text


async def main():
    ports, tags, name = arguments()
    listen()
    client = RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", p) for p in ports])
    last = {}
    for tag, key in keys(tags, name):
        if ended.is_set():
            break
        begin = now()
        try:
            await client.set(key, key)
            say("ok", key, begin, now())
            last[tag] = key
        except Exception as error:
            say("no", key, begin, now(), reason(error))
        await asyncio.sleep(PAUSE)
    for key in last.values():
        say("read", key, text(await client.get(key)))
    await client.aclose()


asyncio.run(main())
