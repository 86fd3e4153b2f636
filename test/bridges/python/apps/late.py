"""A WSGI application that keeps what belongs to a request beyond its end, in each way that there is."""

import os
import signal
import sys
import threading
import time

KEPT = {}
LATE = []


class Mute(Exception):
    """It fails to describe itself."""

    def __init__(self, failure):
        super().__init__()
        self.failure = failure

    def __str__(self):
        raise self.failure


def call(function, *arguments):
    try:
        LATE.append(repr(function(*arguments)))
    except BaseException as error:
        LATE.append(type(error).__name__)


def keep(environ, start_response):
    KEPT["write"] = start_response("200 OK", [])
    KEPT["input"] = environ["wsgi.input"]
    return [b"kept"]


def use(environ, start_response):
    call(KEPT["write"], b"of another")
    call(KEPT["input"].read, 1)
    start_response("200 OK", [])
    return iter([b"own"])


def thread_writes(environ, start_response):
    write = start_response("200 OK", [])

    def work():
        while not LATE:
            time.sleep(0.002)
            try:
                write(b"of another")
            except AssertionError as error:
                LATE.append(type(error).__name__)

    threading.Thread(target=work).start()
    return [b"begun"]


def thread_reads(environ, start_response):
    threading.Thread(target=call, args=(environ["wsgi.input"].read, 100)).start()
    time.sleep(0.05)
    start_response("200 OK", [])
    return [b"early"]


def thread_reads_on(environ, start_response):
    """The response is larger than what may be on its way, and the thread waits for content meanwhile."""
    lengths = []
    thread = threading.Thread(target=lambda: lengths.append(len(environ["wsgi.input"].read())))
    thread.start()
    time.sleep(0.02)
    start_response("200 OK", [("Content-Length", str(40 * 100_000 + 6))])
    for _ in range(40):
        yield b"x" * 100_000
    thread.join()
    yield b"%6d" % lengths[0]


def fork(environ, start_response):
    way = environ["QUERY_STRING"]
    child = os.fork()
    if child == 0:
        if way == "raises":
            raise SystemExit(0)
        if way == "writes":
            start_response("200 OK", [])(b"of the child")
        start_response("200 OK", [], way == "writes" and sys.exc_info())
        return [b"of the child"]
    os.waitpid(child, 0)
    start_response("200 OK", [])
    return [b"of the parent"]


def fork_and_die(environ, start_response):
    """A child holds what it has inherited while its parent dies."""
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)
    os._exit(3)


def mute(environ, start_response):
    raise Mute({"EOFError": EOFError, "ValueError": ValueError}[environ["QUERY_STRING"]]())


def signals(environ, start_response):
    for _ in range(3000):
        os.kill(os.getpid(), signal.SIGTERM)
    start_response("200 OK", [])
    return [b"alive"]


class Reading:
    """A body that reads the content when it is closed."""

    def __init__(self, stream):
        self.stream = stream

    def __iter__(self):
        return iter([b"early"])

    def close(self):
        call(self.stream.read)


def reads_in_close(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return Reading(environ["wsgi.input"])


def reads_after_end(environ, start_response):
    write = start_response("200 OK", [("Content-Length", "5")])
    write(b"early")
    call(environ["wsgi.input"].read)
    return []


def late(environ, start_response):
    found = ",".join(LATE)
    LATE.clear()
    start_response("200 OK", [])
    return [found.encode("ascii")]


def pid(environ, start_response):
    start_response("200 OK", [])
    return [b"%d" % os.getpid()]


def app(environ, start_response):
    return globals()[environ["PATH_INFO"][1:].replace("-", "_")](environ, start_response)
