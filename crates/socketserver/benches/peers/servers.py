"""Python's servers: each answers every line in capital letters.

    python3 servers.py KIND     prints the address and serves until it is ended
"""

import asyncio
import socketserver
import sys


class Lines(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


class Datagrams(socketserver.DatagramRequestHandler):
    def handle(self):
        self.wfile.write(self.packet.upper())


class Wide:
    """With a backlog that holds all who call: the default of 5 would measure SYN retries."""

    request_queue_size = 4096
    allow_reuse_address = True
    daemon_threads = True
    max_children = 10_000


class Inline(Wide, socketserver.TCPServer):
    pass


class Threading(Wide, socketserver.ThreadingMixIn, socketserver.TCPServer):
    pass


class Forking(Wide, socketserver.ForkingMixIn, socketserver.TCPServer):
    pass


class Udp(socketserver.UDPServer):
    pass


class ThreadingUdp(Wide, socketserver.ThreadingMixIn, socketserver.UDPServer):
    pass


def serve(kind, handler):
    with kind(("127.0.0.1", 0), handler) as server:
        tell(server.server_address)
        server.serve_forever()


def tell(address):
    print("listening on {}:{}".format(*address), flush=True)


async def lines(reader, writer):
    async for line in reader:
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def streams():
    server = await asyncio.start_server(lines, "127.0.0.1", 0, backlog=4096)
    tell(server.sockets[0].getsockname())
    await server.serve_forever()


class Upper(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        whole, newline, self.rest = (self.rest + data).rpartition(b"\n")
        if newline:
            self.transport.write(whole.upper() + newline)


async def protocol():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upper, "127.0.0.1", 0, backlog=4096)
    tell(server.sockets[0].getsockname())
    await server.serve_forever()


KINDS = {
    "tcp": lambda: serve(Inline, Lines),
    "threading": lambda: serve(Threading, Lines),
    "forking": lambda: serve(Forking, Lines),
    "udp": lambda: serve(Udp, Datagrams),
    "threading-udp": lambda: serve(ThreadingUdp, Datagrams),
    "streams": lambda: asyncio.run(streams()),
    "protocol": lambda: asyncio.run(protocol()),
}

KINDS[sys.argv[1]]()
