#!/usr/bin/env python3
"""A TCP relay that counts what passes, so that bytes on the wire are measured and not claimed.

    wire_counter.py TARGET_PORT COUNTS_FILE

Listens on a free loopback port, prints `relaying on PORT`, and after each closed connection, and twice a second,
writes `{"up": bytes sent by the client, "down": bytes it received}` to COUNTS_FILE.
"""

import asyncio
import json
import os
import sys


class Relay:
    def __init__(self, target_port, counts_path):
        self.target_port = target_port
        self.counts_path = counts_path
        self.counts = {"up": 0, "down": 0}

    def save(self):
        draft = self.counts_path + ".tmp"
        with open(draft, "w") as file:
            json.dump(self.counts, file)
        os.replace(draft, self.counts_path)

    async def pump(self, reader, writer, direction):
        try:
            while data := await reader.read(1 << 18):
                self.counts[direction] += len(data)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(self, reader, writer):
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            self.pump(reader, upstream[1], "up"), self.pump(upstream[0], writer, "down")
        )
        self.save()

    async def run(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        print("relaying on", server.sockets[0].getsockname()[1], flush=True)
        while True:
            self.save()
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(Relay(int(sys.argv[1]), sys.argv[2]).run())
