"""A WSGI application with one path for each thing that a test wants to see."""

import json
import os
import sys
import threading
import time
from wsgiref.validate import validator

CLOSED = []


class Body:
    """An iterable that notes when it is closed."""

    def __init__(self, chunks, name="body", on_close=None):
        self.chunks = iter(chunks)
        self.name = name
        self.on_close = on_close

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.chunks)

    def close(self):
        CLOSED.append(self.name)
        if self.on_close:
            self.on_close()


def text(start_response, body, status="200 OK"):
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [body.encode("utf-8")]


def environ(environ, start_response):
    shown = {key: value if isinstance(value, (str, bool)) else repr(value) for key, value in environ.items()}
    return text(start_response, json.dumps(shown))


def pid(environ, start_response):
    return text(start_response, str(os.getpid()))


def closed(environ, start_response):
    return text(start_response, json.dumps(CLOSED))


def body(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Body([b"a", b"", b"b"], environ["QUERY_STRING"])


def lists(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"one, ", b"", b"two"]


def empty(environ, start_response):
    start_response("204 No Content", [])
    return []


def big_list(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [b"x" * int(environ["QUERY_STRING"])]


def chunks(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    gate = threading.Event()

    def pieces():
        for number in range(3):
            yield b"piece %d\n" % number
            gate.wait(0.05)

    return pieces()


def endless(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    name = environ["QUERY_STRING"] or "endless"

    def pieces():
        while True:
            yield b"x" * 65536

    return Body(pieces(), name)


def ticks(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream")])

    def pieces():
        while True:
            yield b"data: tick\n\n"
            time.sleep(0.02)

    return Body(pieces(), environ["QUERY_STRING"] or "ticks")


def nothing_but_empty(environ, start_response):
    environ["wsgi.errors"].write("begun\n")
    start_response("200 OK", [("Content-Type", "text/plain")])

    def pieces():
        while True:
            yield b""
            time.sleep(0.01)

    return Body(pieces(), "empty chunks")


def down(environ, start_response):
    size = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Length", str(size))])
    block = bytes(65536)
    return (block[: min(65536, size - start)] for start in range(0, size, 65536))


def up(environ, start_response):
    stream = environ["wsgi.input"]
    size = 0
    while True:
        block = stream.read(65536)
        if not block:
            break
        size += len(block)
    return text(start_response, str(size))


def echo(environ, start_response):
    content = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(content)))])
    return [content]


def echo_stream(environ, start_response):
    stream = environ["wsgi.input"]
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return iter(lambda: stream.readline(), b"")


def reads(environ, start_response):
    """Calls what the query names on wsgi.input, such as `read(3) readline() readlines(4)`."""
    stream = environ["wsgi.input"]
    found = []
    for call in environ["QUERY_STRING"].replace("%20", " ").split():
        name, _, argument = call.rstrip(")").partition("(")
        if name == "iterate":
            value = list(stream)
        else:
            value = getattr(stream, name)(*([int(argument)] if argument else []))
        found.append([part.decode("latin-1") for part in value] if isinstance(value, list) else value.decode("latin-1"))
    return text(start_response, json.dumps(found))


def unread(environ, start_response):
    return text(start_response, "not read")


def write(environ, start_response):
    send = start_response("200 OK", [("Content-Type", "text/plain")])
    send(b"written, ")
    send(b"again, ")
    return [b"returned"]


def write_nothing(environ, start_response):
    send = start_response("200 OK", [("Content-Type", "text/plain"), ("X-Flushed", "yes")])
    send(b"")
    time.sleep(0.2)
    return [b"late"]


def raises(environ, start_response):
    return {}["missing"]


def raises_started(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    raise ValueError("after start_response")


def raises_late(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])

    def pieces():
        yield b"begun "
        raise ValueError("in the middle")

    return Body(pieces(), "raises late")


def raises_in_close(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])

    def fail():
        raise ValueError("in close")

    return Body([b"done"], "raises in close", fail)


def exc_info_before(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1000")])
    try:
        raise ValueError("replaced")
    except ValueError:
        start_response("503 Replaced", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"replaced"]


def exc_info_after(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun "
    try:
        raise ValueError("too late")
    except ValueError:
        start_response("500 Late", [], sys.exc_info())
    yield b"never"


def twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return [b"never"]


def never_started(environ, start_response):
    return [b"never"]


def lazy(environ, start_response):
    yield b""
    start_response("201 Lazy", [("Content-Type", "text/plain")])
    yield b"lazy"


def heads(environ, start_response):
    """Calls start_response with the literal of the query."""
    from urllib.parse import unquote

    try:
        start_response(*eval(unquote(environ["QUERY_STRING"])))
    except Exception as error:
        return text(lambda status, headers: start_response(status, headers, sys.exc_info()), "%s: %s" % (type(error).__name__, error))
    return [b"ok"]


def results(environ, start_response):
    """Returns the literal of the query."""
    from urllib.parse import unquote

    start_response("200 OK", [("Content-Type", "text/plain")])
    return eval(unquote(environ["QUERY_STRING"]))


def errors(environ, start_response):
    stream = environ["wsgi.errors"]
    stream.write("half a ")
    stream.write("line\nsecond line\nkept")
    stream.writelines([" back\n", "caf\u00e9 \u4e2d\n"])
    stream.flush()
    return text(start_response, "told")


def late_errors(environ, start_response):
    stream = environ["wsgi.errors"]
    threading.Timer(0.2, lambda: stream.write("after the request\n")).start()
    return text(start_response, "later")


def files(environ, start_response):
    handle = open(__file__, "rb")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](handle, 100)


def sleep(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"]))
    return text(start_response, "slept")


def spin(environ, start_response):
    while True:
        pass


def sleep_in_close(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return Body([b"done"], "slow close", lambda: time.sleep(0.5))


def die(environ, start_response):
    os._exit(3)


def die_late(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun "
    time.sleep(0.1)
    os._exit(3)


def leave(environ, start_response):
    sys.exit("a view must not end the worker")


def overrun(environ, start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return Body([b"1234", b"5678"], "overrun")


def short(environ, start_response):
    start_response("200 OK", [("Content-Length", "40")])
    return Body([b"1234"], "short")


def hop_by_hop(environ, start_response):
    start_response("200 OK", [("Connection", "close"), ("Content-Type", "text/plain"), ("Keep-Alive", "5")])
    return [b"ok"]


def cookies(environ, start_response):
    start_response("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Latin", "caf\xe9")])
    return [b"ok"]


def prints(environ, start_response):
    print("printed by the application")
    return text(start_response, "printed")


def concurrent(environ, start_response):
    """Answers once two requests are inside."""
    with LOCK:
        INSIDE.append(threading.get_ident())
        count = len(INSIDE)
    if count % 2 == 0:
        BOTH.set()
    BOTH.wait(5)
    return text(start_response, "%d threads" % len(set(INSIDE)))


LOCK = threading.Lock()
INSIDE = []
BOTH = threading.Event()


def app(environ, start_response):
    name = environ["PATH_INFO"].strip("/").replace("-", "_")
    page = globals().get(name)
    if page is None:
        return text(start_response, "nothing here", "404 Not Found")
    return page(environ, start_response)


def checked_page(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    content = environ["wsgi.input"].read(size) if size else b""
    environ["wsgi.errors"].write("checked\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"checked ", content]


checked = validator(checked_page)


def make_app():
    return app


async def asgi(scope, receive, send):
    pass


class AsgiClass:
    async def __call__(self, scope, receive, send):
        pass


asgi_instance = AsgiClass()
number = 5
