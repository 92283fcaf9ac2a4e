#!/usr/bin/env python3
"""Makes a server on loopback seem far away: every byte is held back for a fixed time in each direction.

    delay_proxy.py LISTEN_PORT TARGET_PORT DELAY_MS

A round trip takes twice DELAY_MS, and a new connection one round trip more, as TCP's handshake does.
Order and bandwidth are kept. One thread for all, so that it takes little of what is measured.
"""
import asyncio
import collections
import sys


class Pipe(asyncio.Protocol):
    """One end of a connection. What it receives is written to `other` when its time has come."""

    LIMIT = 8 << 20  # of bytes held for one direction: a window that no copy here fills

    def __init__(self, delay):
        self.delay, self.other, self.transport = delay, None, None
        self.held, self.held_bytes, self.is_ticking = collections.deque(), 0, False
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=Pipe.LIMIT)

    def data_received(self, data):
        self.hold(data)
        if self.held_bytes > Pipe.LIMIT:
            self.transport.pause_reading()

    def eof_received(self):
        self.hold(b"")
        return True

    def connection_lost(self, failure):
        if failure is not None and self.other and self.other.transport:
            self.other.transport.abort()  # a reset is passed on as one
        else:
            self.hold(None)

    def hold(self, data):
        self.held.append((self.loop.time() + self.delay, data))
        self.held_bytes += len(data or b"")
        self.tick()

    def tick(self):
        if not self.is_ticking and self.held and self.other and self.other.transport:
            self.is_ticking = True
            self.loop.call_at(self.held[0][0], self.deliver)

    def deliver(self):
        self.is_ticking = False
        while self.held and self.held[0][0] <= self.loop.time() + 0.0002:
            data = self.held.popleft()[1]
            to = self.other.transport
            if data is None:
                to.close()
            elif data == b"":
                if to.can_write_eof() and not to.is_closing():
                    to.write_eof()
            else:
                self.held_bytes -= len(data)
                to.write(data)
        if self.held_bytes <= Pipe.LIMIT and not self.transport.is_closing():
            self.transport.resume_reading()
        self.tick()


class Near(Pipe):
    """The client's end: the far one is connected when the handshake would be over."""

    def __init__(self, delay, target):
        super().__init__(delay)
        self.target = target

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.pause_reading()
        self.loop.call_later(2 * self.delay, lambda: self.loop.create_task(self.connect()))

    async def connect(self):
        far = Pipe(self.delay)
        try:
            await self.loop.create_connection(lambda: far, "127.0.0.1", self.target)
        except OSError:
            self.transport.abort()
            return
        far.other, self.other = self, far
        if not self.transport.is_closing():
            self.transport.resume_reading()
        self.tick()


async def serve(listen, target, delay):
    server = await asyncio.get_running_loop().create_server(
        lambda: Near(delay, target), "127.0.0.1", listen, backlog=256)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
