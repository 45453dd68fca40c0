// ioredis. Usage and output are those of writer.py.
"use strict";

const Redis = require("ioredis");

const [ports, tags, name] = process.argv.slice(2);
const nodes = ports.split(",").map((port) => ({ host: "127.0.0.1", port: Number(port) }));
const pause = () => new Promise((done) => setTimeout(done, 4));
const say = (...words) => process.stdout.write(words.join(" ") + "\n");

let ended = false;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();

async function main() {
  const client = new Redis.Cluster(nodes);
  // Without a listener lost connections, which it deals with, are printed.
  client.on("error", () => {});
  const last = new Map();
  for (let number = 0; !ended; number += 1) {
    const tag = tags.split(",")[number % tags.split(",").length];
    const key = `{${tag}}:${name}:${number}`;
    const begin = Date.now();
    try {
      await client.set(key, key);
      say("ok", key, begin, Date.now());
      last.set(tag, key);
    } catch (error) {
      say("no", key, begin, Date.now(), String(error).split(/\s+/).join(" "));
    }
    await pause();
  }
  for (const key of last.values()) {
    say("read", key, await client.get(key));
  }
  client.disconnect();
}

main();
