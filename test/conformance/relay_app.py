"""A WSGI application that another process answers for: each event of PEP 3333 becomes a frame on a unix socket, and back.

So an application of an audit, which lives in the process of the audit, runs behind a server of Python applications.
A frame is a letter, a length of four octets and so many octets. `relay.ts` is the other end.

From here: R the environ, D content (nothing at its end), X a read that failed, N the next chunk is wanted.
To here: r so many octets are to be read, H the head, C a chunk, E the end, F a failure.
"""

import json
import socket
import struct
from wsgiref.validate import InputWrapper, check_environ


class Failure(Exception):
    """What the application of the audit has thrown."""


class Relay:
    def __init__(self, environ, start_response):
        if environ["PATH_INFO"] != "*":
            check_environ(environ)
        self.input = InputWrapper(environ["wsgi.input"])
        self.start_response = start_response
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(environ["audit.socket"])
        text = {name: value for name, value in environ.items() if isinstance(value, str)}
        self.send(b"R", json.dumps(text).encode("ascii"))
        self.is_asked = False
        self.write = None
        # What the last read has failed with: an application of Python lets it through.
        self.failure = None
        # The head comes before the first chunk, and content may have to be read before it.
        self.kind, self.payload = self.answer()

    def __iter__(self):
        return self

    def __next__(self):
        if self.is_asked:
            self.send(b"N")
            self.kind, self.payload = self.answer()
        self.is_asked = True
        while self.kind == b"C" and not self.payload:
            # An empty chunk that is to send the head is one that was written.
            self.write(b"")
            self.send(b"N")
            self.kind, self.payload = self.answer()
        if self.kind == b"C":
            return self.payload
        if self.kind == b"E":
            raise StopIteration
        self.fail()

    def close(self):
        self.socket.close()

    def answer(self):
        """Reads content and takes the head, until something else comes."""
        while True:
            kind, payload = self.receive()
            if kind == b"r":
                try:
                    content = self.input.read(struct.unpack("!I", payload)[0])
                except Exception as error:
                    self.failure = error
                    self.send(b"X", str(error).encode("utf-8"))
                else:
                    self.send(b"D", content)
            elif kind == b"H":
                status, headers = json.loads(payload)
                self.write = self.start_response(status, [(name, value) for name, value in headers])
            elif kind == b"F" and not self.is_asked:
                self.payload = payload
                self.close()
                self.fail()
            else:
                return kind, payload

    def fail(self):
        raise self.failure or Failure(self.payload.decode("utf-8"))

    def send(self, kind, payload=b""):
        self.socket.sendall(kind + struct.pack("!I", len(payload)) + payload)

    def receive(self):
        head = self.receive_exactly(5)
        return head[:1], self.receive_exactly(struct.unpack("!I", head[1:])[0])

    def receive_exactly(self, size):
        octets = bytearray()
        while len(octets) < size:
            piece = self.socket.recv(size - len(octets))
            if not piece:
                self.socket.close()
                raise Failure("the process of the audit has closed the socket")
            octets += piece
        return bytes(octets)


application = Relay
