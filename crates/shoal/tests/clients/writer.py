"""What the Python clients of the tests share.

Usage: SCRIPT PORTS TAGS NAME, the first two separated by commas. Writes a key of its own under each
tag in turn until its standard input ends, with whatever the client does by default about errors,
and says of each write how it went, in a line:

    ok KEY BEGIN END            acknowledged; times in milliseconds since 1970
    no KEY BEGIN END REASON     not acknowledged

and at the end, of the last key acknowledged under each tag:

    read KEY VALUE
"""

import sys
import threading
import time

PAUSE = 0.004
ended = threading.Event()


def arguments():
    ports, tags, name = sys.argv[1:]
    return [int(port) for port in ports.split(",")], tags.split(","), name


def listen():
    def wait():
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()


def now():
    return int(time.time() * 1000)


def say(*words):
    print(*words, flush=True)


def reason(error):
    return " ".join(f"{type(error).__name__} {error}".split())


def keys(tags, name):
    """Endless pairs of a tag and a key under it."""
    number = 0
    while True:
        for tag in tags:
            yield tag, f"{{{tag}}}:{name}:{number}"
            number += 1


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def run(connect):
    """The whole script, for a client that waits for each reply."""
    ports, tags, name = arguments()
    listen()
    client = connect(ports)
    last = {}
    for tag, key in keys(tags, name):
        if ended.is_set():
            break
        begin = now()
        try:
            client.set(key, key)
            say("ok", key, begin, now())
            last[tag] = key
        except Exception as error:
            say("no", key, begin, now(), reason(error))
        time.sleep(PAUSE)
    for key in last.values():
        say("read", key, text(client.get(key)))
