"""Stands before one service, and lets one request, or all from one on, go wrong."""

import re
import socket
import ssl
import struct
import threading
import time

LONGEST_SILENCE_S = 150
CONNECT_WITHIN_S = 10
PIECE = 1 << 16


class Fault:
    """`place`: what "METHOD PATH" must match. `for_good`: so does every request after the
    first that does, whatever it is, until the proxy is healed."""

    def __init__(self, kind, place=".", for_good=False):
        self.kind, self.place, self.for_good = kind, re.compile(place), for_good
        self.hits, self.lock = 0, threading.Lock()

    def takes(self, request):
        with self.lock:
            is_first = self.hits == 0
            is_taken = (is_first and bool(self.place.search(request))
                        or self.for_good and not is_first)
            self.hits += is_taken
            return is_taken


class Proxy:
    def __init__(self, target_port, certificates=None):
        self.target_port, self.certificates = target_port, certificates
        self.fault, self.context, self.asked = None, None, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def break_with(self, fault):
        self.asked.clear()
        self.fault = fault

    def speak_tls(self, certificate):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*self.certificates.pair(certificate))

    def heal(self):
        self.fault = self.context = None

    def close(self):
        self.listener.close()

    # ---- connections ----

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            with client:
                while self.one_request(Stream(client)):
                    pass
        except OSError:
            pass  # the client left, or did not like what it was shown

    def one_request(self, client):
        """False: the connection has ended."""
        head = client.head()
        if head is None:
            return False
        method, path = head.split(b" ", 2)[:2]
        request = f"{method.decode()} {path.decode()}"
        self.asked.append(request)
        fault = self.fault
        kind = fault.kind if fault and fault.takes(request) else None
        if kind == "reset while sending":
            client.some_of_body(head)
            return client.reset()
        body = client.body(head)
        if kind in REFUSALS:
            client.send(REFUSALS[kind](self.url + path.decode()))
            return True
        answer = self.ask(head, body, method == b"HEAD")
        if kind == "silence":
            return client.stay_silent()
        if kind in SPOILERS:
            return SPOILERS[kind](client, *answer)
        client.send(answer[0] + answer[1])
        return not asks_to_close(answer[0])

    def ask(self, head, body, is_head):
        """Forwards it on a connection of its own: (head, body) of the answer."""
        with socket.create_connection(("127.0.0.1", self.target_port), CONNECT_WITHIN_S) as server:
            server.settimeout(LONGEST_SILENCE_S)
            server.sendall(with_close(head) + body)
            data = b""
            while piece := server.recv(PIECE):
                data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        head = re.sub(rb"(?im)^(connection|keep-alive):[^\r]*\r\n", b"", head + b"\r\n")
        if not is_head and not re.search(rb"(?im)^(content-length|transfer-encoding):", head):
            head += b"Content-Length: %d\r\n" % len(body)
        return head + b"\r\n", body


class Stream:
    """One client's bytes."""

    def __init__(self, socket_):
        self.socket, self.left = socket_, b""

    def head(self):
        while b"\r\n\r\n" not in self.left:
            piece = self.socket.recv(PIECE)
            if not piece:
                return None
            self.left += piece
        head, _, self.left = self.left.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def body(self, head):
        if re.search(rb"(?im)^transfer-encoding: *chunked", head):
            return self.read_until(lambda got: got.endswith(b"0\r\n\r\n"))
        size = length_of(head)
        return self.read_until(lambda got: len(got) >= size)

    def some_of_body(self, head):
        half = length_of(head) // 2
        return self.read_until(lambda got: len(got) >= half)

    def read_until(self, is_enough):
        while not is_enough(self.left):
            piece = self.socket.recv(PIECE)
            if not piece:
                raise OSError("the client ended in the middle of its body")
            self.left += piece
        got, self.left = self.left, b""
        return got

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        """RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        return False

    def stay_silent(self):
        self.socket.settimeout(1)
        until = time.monotonic() + LONGEST_SILENCE_S
        while time.monotonic() < until:
            try:
                if not self.socket.recv(PIECE):
                    return False
            except TimeoutError:
                pass
        return False


def length_of(head):
    found = re.search(rb"(?im)^content-length: *([0-9]+)", head)
    return int(found[1]) if found else 0


def with_close(head):
    head = re.sub(rb"(?im)^(connection|expect):[^\r]*\r\n", b"", head)
    return head[:-2] + b"Connection: close\r\n\r\n"


def asks_to_close(head):
    return re.search(rb"(?im)^connection: *close", head) is not None


# ---- what is answered instead ----

def refusal(status, words, extra=""):
    body = words.encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


REFUSALS = {
    "429": lambda url: refusal("429 Too Many Requests", "slow down", "Retry-After: 1\r\n"),
    "503": lambda url: refusal("503 Service Unavailable", "<html>no upstream</html>"),
    "redirect loop": lambda url: refusal("307 Temporary Redirect", "", f"Location: {url}\r\n"),
}


# ---- what becomes of the answer: False, the connection has ended ----

def reset_in_the_middle(client, head, body):
    whole = head + body
    client.send(whole[:len(head) + len(body) // 2] if body else whole[:len(head) // 2])
    time.sleep(0.05)  # what was sent must arrive before the reset throws it away
    return client.reset()


def truncate(client, head, body):
    client.send(head + body[:len(body) // 2] if body else head[:len(head) // 2])
    client.socket.shutdown(socket.SHUT_RDWR)
    return False


def another_digest(client, head, body):
    """Other bytes of the same length; where there are none, another digest in the header."""
    if body:
        middle = len(body) // 2
        body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
    else:
        head = re.sub(rb"(?im)^(docker-content-digest: *sha256:)[0-9a-f]{8}", rb"\g<1>00000000",
                      head)
    client.send(head + body)
    return not asks_to_close(head)


SPOILERS = {"reset": reset_in_the_middle, "truncated": truncate, "wrong digest": another_digest}
