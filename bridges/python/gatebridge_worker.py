"""A worker process of gatebridge's fromPython: runs one WSGI application (PEP 3333) for a gateway in Node.

Standard library only, Python 3.8 or later. Nobody calls it by hand: `from-python.ts` starts it.

File descriptor 3 is the control channel, 4 and up are the lanes. A lane is a socket with a thread of its own, which
serves one request at a time; so no request waits for another one's octets, and frames carry no numbers.
`frames.ts` describes the frames and their order.

Rule 1: whatever the application does, a lane ends each request with IDLE, or the process ends.
Rule 2: nothing is sent beyond what the gateway has asked for: a response waits here until its client has read.
Rule 3: the end of the control channel is the end of the gateway. The process follows, also if the application is stuck.
Rule 4: what an application keeps of a request that has ended reaches no other request: neither `write` and `wsgi.input` in a
thread, nor a process that it has forked.

An old Python must be able to read this file up to the check of its version, so no syntax here is newer.
"""

import os
import sys

CONTROL = 3
if sys.version_info < (3, 8):
    os.write(CONTROL, b"V\0\0\0\6" + ("%d.%d    " % sys.version_info[:2])[:6].encode("ascii"))
    sys.exit(1)

import json
import re
import socket

FIRST_LANE = 4

# Gateway to worker, on a lane.
REQUEST, CONTENT, CONTENT_END, CONTENT_FAILED, CREDIT, ABORT = 0x52, 0x43, 0x45, 0x58, 0x4B, 0x41
# Worker to gateway, on a lane.
HEAD, DATA, END, FAILED, WANT, LOG, IDLE = b"H", b"D", b"E", b"F", b"W", b"L", b"I"
# On the control channel.
SETUP, READY, BROKEN, RETIRE = 0x53, b"Y", b"B", b"Q"

# Flags of REQUEST.
HAS_CONTENT, MULTIPROCESS, RUN_ONCE = 1, 2, 4
# Flag of HEAD: the frames of the whole response follow.
WHOLE = b"\1"
PART = b"\0"

# Octets of a response that may be on their way. A larger chunk goes in pieces of this size.
WINDOW = 262144
# Octets that a list of chunks may have, to be sent as one piece with its head.
MOST_WHOLE = 65536
# Octets of a request that are asked for at once.
ASKED = 131072
RECEIVED = 65536

# Seconds that requests have to end after the gateway has gone.
FAREWELL = 5
# Seconds between two looks at the files, for reload.
RELOAD_INTERVAL = 0.5


def frame(kind, payload=b""):
    return kind + len(payload).to_bytes(4, "big") + payload


END_FRAME = frame(END)
IDLE_FRAME = frame(IDLE)

find_control = re.compile("[\x01-\x08\x0a-\x1f\x7f]").search


class ClientLeft(ConnectionAbortedError):
    """The client of this request has left, or its content cannot be read."""


LATE = "write, wsgi.input or wsgi.errors was used after its request had ended"


class LateCall(AssertionError):
    """The request has ended; the lane may serve another one."""


class FileWrapper:
    """wsgi.file_wrapper. It has close() only if the file has it (PEP 3333)."""

    def __init__(self, filelike, blksize=RECEIVED):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration


class Errors:
    """wsgi.errors: text goes to the gateway line by line, and after the request to stderr."""

    def __init__(self, lane, exchange):
        self._lane = lane
        self._exchange = exchange
        self._held = ""

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("wsgi.errors takes str, not " + type(text).__name__)
        held = self._held + text
        end = held.rfind("\n") + 1
        self._held = held[end:]
        if end:
            self._send(held[:end])
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        held, self._held = self._held, ""
        if held:
            self._send(held)

    def _send(self, text):
        try:
            self._lane.send(frame(LOG, text.encode("utf-8", "backslashreplace")), self._exchange)
        except LateCall:
            sys.stderr.write(text)
            sys.stderr.flush()


class Input:
    """wsgi.input: asks the gateway for content only once the application reads."""

    def __init__(self, lane, exchange, has_content):
        self._lane = lane
        self._exchange = exchange
        self._piece = b""
        self._at = 0
        self._asked = 0
        self._coming = []
        self._is_ended = not has_content
        self._failure = None

    def read(self, size=-1):
        if size is None or size < 0:
            size = -1
        left = self._piece[self._at :] if size < 0 else self._piece[self._at : self._at + size]
        self._at += len(left)
        if len(left) == size:
            return left
        pieces = [left]
        length = len(left)
        while length != size and self._fill():
            piece = self._piece if size < 0 else self._piece[: size - length]
            self._at = len(piece)
            length += len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def readline(self, size=-1):
        limit = -1 if size is None or size < 0 else size
        pieces = []
        length = 0
        while length != limit and (self._at < len(self._piece) or self._fill()):
            end = self._piece.find(b"\n", self._at) + 1
            stop = end or len(self._piece)
            if limit >= 0:
                stop = min(stop, self._at + limit - length)
            piece = self._piece[self._at : stop]
            self._at = stop
            length += len(piece)
            pieces.append(piece)
            if stop == end:
                break
        return b"".join(pieces)

    def readlines(self, hint=-1):
        lines = []
        length = 0
        limit = None if hint is None or hint <= 0 else hint
        while limit is None or length < limit:
            line = self.readline()
            if not line:
                break
            length += len(line)
            lines.append(line)
        return lines

    def __iter__(self):
        return iter(self.readline, b"")

    def _fill(self):
        """Takes the next piece, once the last one is used up. False at the end."""
        while not self._coming:
            if self._failure is not None:
                raise ClientLeft(self._failure)
            if self._is_ended:
                return False
            if self._asked <= ASKED // 2:
                # A piece may have been larger than what was asked for.
                more = ASKED - min(self._asked, 0)
                self._asked += more
                self._lane.send(frame(WANT, more.to_bytes(4, "big")), self._exchange)
            self._lane.take_frame(self._exchange, self._is_waiting)
        self._piece = self._coming.pop(0)
        self._at = 0
        return True

    def _is_waiting(self):
        return not self._coming and not self._is_ended and self._failure is None

    def take(self, piece):
        self._asked -= len(piece)
        if piece:
            self._coming.append(piece)

    def end(self):
        self._is_ended = True

    def fail(self, reason):
        if not self._is_ended:
            self._failure = reason


class Exchange:
    """One request and its response."""

    def __init__(self, lane, has_content):
        self.lane = lane
        self.input = Input(lane, self, has_content)
        self.errors = None
        self.window = WINDOW
        self.is_aborted = False
        self.is_over = False
        # The encoded head; None until start_response was called.
        self.head = None
        self.is_started = False
        self.is_sent = False
        # END was sent, along with the last octet that Content-Length declares.
        self.is_ended = False
        # Octets that Content-Length still allows; None without one.
        self.remaining = None
        self.may_have_length = False

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.is_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                # A circular reference otherwise (PEP 3333).
                exc_info = None
        elif self.is_started:
            raise AssertionError("start_response was called again without exc_info")
        # Before the checks: a call that raises counts too (PEP 3333).
        self.is_started = True
        self.head = None
        self.head = self.encode_head(status, headers)
        return self.write

    def encode_head(self, status, headers):
        self.remaining = None
        if not isinstance(status, str) or not status[:3].isdigit() or status[3:4] != " ":
            raise ValueError("status must be a str such as '200 OK', not " + repr(status))
        parts = [status]
        for name, value in headers:
            parts.append(name)
            parts.append(value)
            if len(name) == 14 and name.lower() == "content-length":
                self.remaining = int(value)
        try:
            text = "\0".join(parts)
        except TypeError:
            wrong = [part for part in parts if not isinstance(part, str)]
            raise TypeError("names and values of headers must be str, not " + repr(wrong[0]))
        if text.count("\0") != len(parts) - 1 or find_control(text):
            wrong = [part for part in parts if "\0" in part or find_control(part)]
            raise ValueError("control characters are not allowed in a header: " + repr(wrong[0]))
        code = status[:3]
        self.may_have_length = self.remaining is None and code not in ("204", "304") and code[0] != "1"
        return text.encode("latin-1")

    def write(self, data):
        """The write callable of start_response."""
        if type(data) is not bytes:
            raise TypeError("write takes bytes, not " + type(data).__name__)
        if not data and not self.is_sent:
            # The first call sends the head (PEP 3333).
            self.is_sent = True
            self.lane.send(frame(HEAD, PART + self.head), self)
        elif data:
            self.send(data)
        if self.is_aborted:
            raise ClientLeft("the client has left")

    def send(self, chunk):
        """Sends a chunk that is not empty. False if nothing more is wanted."""
        first = b""
        if not self.is_sent:
            if self.head is None:
                raise AssertionError("start_response was not called before the first chunk")
            self.is_sent = True
            first = frame(HEAD, PART + self.head)
        else:
            self.lane.take_ready_frames(self)
        if self.remaining is not None:
            # PEP 3333: nothing beyond Content-Length.
            chunk = chunk[: self.remaining]
            self.remaining -= len(chunk)
        size = len(chunk)
        for start in range(0, size, WINDOW):
            while self.is_full():
                self.lane.take_frame(self, self.is_full)
            if self.is_aborted:
                return False
            piece = chunk if size <= WINDOW else chunk[start : start + WINDOW]
            self.window -= len(piece)
            octets = first + DATA + len(piece).to_bytes(4, "big") + piece
            if self.remaining == 0 and start + WINDOW >= size:
                # The response is complete before the application is closed, which may take long.
                self.is_ended = True
                octets += END_FRAME
            self.lane.send(octets, self)
            first = b""
        if first:
            self.lane.send(first, self)
        return not self.is_ended and self.remaining != 0

    def is_full(self):
        """The client has to read before more is sent."""
        return self.window <= 0 and not self.is_aborted

    def run(self, application, environ):
        """Calls the application and sends what it returns. Raises what it raises, once its result is closed."""
        result = application(environ, self.start_response)
        close = getattr(result, "close", None)
        try:
            kind = type(result)
            if (kind is list or kind is tuple) and not self.is_sent:
                return self.send_list(result)
            if kind is FileWrapper:
                result = iter(lambda read=result.filelike.read: read(RECEIVED), b"")
            count = 0
            for chunk in result:
                if type(chunk) is not bytes:
                    raise TypeError("a chunk of the response must be bytes, not " + type(chunk).__name__)
                if chunk:
                    if not self.send(chunk):
                        break
                else:
                    # Who yields nothing must hear of a client that has left too.
                    self.lane.take_ready_frames(self)
                    if self.is_aborted:
                        break
            if self.is_aborted or self.is_ended:
                return b""
            tail = b"" if self.is_sent else self.take_head(WHOLE)
            if close is None:
                return tail + END_FRAME
            self.lane.send(tail + END_FRAME, self)
            return b""
        finally:
            if close is not None:
                close()

    def take_head(self, flag):
        if self.head is None:
            raise AssertionError("start_response was not called")
        self.is_sent = True
        return frame(HEAD, flag + self.head)

    def send_list(self, chunks):
        """A list has no step that could take time, so all of it may go at once. Its length is known."""
        size = 0
        for chunk in chunks:
            if type(chunk) is not bytes:
                raise TypeError("a chunk of the response must be bytes, not " + type(chunk).__name__)
            size += len(chunk)
        if size <= MOST_WHOLE and (self.remaining is None or self.remaining >= size):
            out = [self.take_head(WHOLE)]
            for chunk in chunks:
                if chunk:
                    out.append(frame(DATA, chunk))
            out.append(END_FRAME)
            return b"".join(out)
        if self.may_have_length and self.head is not None:
            self.head += b"\0Content-Length\0" + str(size).encode("ascii")
        for chunk in chunks:
            if chunk and not self.send(chunk):
                break
        return b"" if self.is_aborted or self.is_ended else END_FRAME


class Lane:
    """One socket, one thread, one request at a time."""

    def __init__(self, sock, worker):
        self._socket = sock
        self._worker = worker
        self._threading = worker.threading
        self._lock = self._threading.Lock()
        # One thread at a time receives. Some applications read wsgi.input in a thread of their own, which may wait longer
        # than the request lasts.
        self._turn = self._threading.Condition()
        self._is_receiving = False
        self._received = b""
        # A request that such a thread has received.
        self._next_request = None
        self.exchange = None

    def run(self):
        """Serves requests until the gateway closes the socket."""
        try:
            while True:
                self._begin_receiving(lambda: True)
                try:
                    kind, payload = self._next_request or self._next_frame()
                    self._next_request = None
                finally:
                    self._end_receiving()
                # Others belong to the request before.
                if kind == REQUEST:
                    self._serve(payload)
        except (EOFError, ConnectionError):
            pass

    def send(self, octets, exchange):
        """Sends frames of a request. Raises LateCall if it has ended."""
        # An application may use wsgi.errors in a thread of its own.
        with self._lock:
            if exchange.is_over:
                raise LateCall(LATE)
            self._socket.sendall(octets)

    def _end(self, octets, exchange):
        with self._lock:
            if exchange.is_over:
                leave_fork()
            exchange.is_over = True
            self.exchange = None
            self._socket.sendall(octets)

    def forget(self):
        """A process that the application has forked: the request belongs to its parent."""
        self._lock = self._threading.Lock()
        self._turn = self._threading.Condition()
        if self.exchange is not None:
            self.exchange.is_over = True
            self.exchange = None
        self._socket.close()

    def _begin_receiving(self, is_wanted):
        """Waits while another thread receives. False once that has made it needless."""
        with self._turn:
            while self._is_receiving and is_wanted():
                self._turn.wait()
            if not is_wanted():
                return False
            self._is_receiving = True
            return True

    def _end_receiving(self):
        with self._turn:
            self._is_receiving = False
            self._turn.notify_all()

    def take_frame(self, exchange, is_wanted):
        """Waits for a frame about a request, while it is wanted. Raises LateCall once the request has ended."""
        if self._begin_receiving(lambda: is_wanted() and not exchange.is_over):
            try:
                self._apply(exchange, *self._next_frame())
            finally:
                self._end_receiving()
        if exchange.is_over:
            raise LateCall(LATE)

    def take_ready_frames(self, exchange):
        """Takes frames that are there already."""
        with self._turn:
            if self._is_receiving or exchange.is_over:
                return
            self._is_receiving = True
        try:
            self._take_received(exchange)
            while self._next_request is None:
                octets = self._socket.recv(RECEIVED, socket.MSG_DONTWAIT)
                if not octets:
                    raise EOFError
                self._received += octets
                self._take_received(exchange)
        except BlockingIOError:
            pass
        finally:
            self._end_receiving()

    def _take_received(self, exchange):
        while self._has_frame() and self._next_request is None:
            self._apply(exchange, *self._next_frame())

    def _has_frame(self):
        received = self._received
        return len(received) >= 5 and len(received) >= 5 + int.from_bytes(received[1:5], "big")

    def _apply(self, exchange, kind, payload):
        stream = exchange.input
        if kind == CREDIT:
            exchange.window += int.from_bytes(payload, "big")
        elif kind == REQUEST:
            # The exchange is over, and this thread was late to notice.
            self._next_request = kind, payload
        elif stream is None:
            return
        elif kind == CONTENT:
            stream.take(payload)
        elif kind == CONTENT_END:
            stream.end()
        elif kind == CONTENT_FAILED:
            stream.fail(payload.decode("utf-8"))
        elif kind == ABORT:
            exchange.is_aborted = True
            stream.fail("the client has left")

    def _next_frame(self):
        received = self._received or self._receive()
        while len(received) < 5:
            received += self._receive()
        end = 5 + int.from_bytes(received[1:5], "big")
        if len(received) < end:
            parts = [received]
            length = len(received)
            while length < end:
                part = self._receive()
                length += len(part)
                parts.append(part)
            received = b"".join(parts)
        self._received = received[end:]
        return received[0], received[5:end]

    def _receive(self):
        octets = self._socket.recv(RECEIVED)
        if not octets:
            raise EOFError
        return octets

    def _serve(self, payload):
        flags = payload[0]
        start = 2 + payload[1]
        separator = payload[2:start].decode("latin-1")
        environ = self._worker.base.copy()
        if len(payload) > start:
            words = iter(payload[start:].decode("latin-1").split(separator))
            environ.update(zip(words, words))
        exchange = self.exchange = Exchange(self, flags & HAS_CONTENT)
        exchange.errors = environ["wsgi.errors"] = Errors(self, exchange)
        environ["wsgi.input"] = exchange.input
        if flags & MULTIPROCESS:
            environ["wsgi.multiprocess"] = True
        if flags & RUN_ONCE:
            environ["wsgi.run_once"] = True
        try:
            tail = exchange.run(self._worker.application, environ)
        except BaseException as error:
            if exchange.is_over:
                leave_fork(error)
            # What follows the client's departure, and is only that, is no failure.
            tail = b"" if exchange.is_aborted and isinstance(error, (ClientLeft, EOFError)) else describe(FAILED, error)
        exchange.errors.flush()
        # They refer to the exchange too: a cycle would wait for the garbage collector.
        exchange.errors = exchange.input = None
        self._end(tail + IDLE_FRAME, exchange)


def leave_fork(error=None):
    """Ends a process that the application has forked, and in which it has come back from its call."""
    if error is not None and not isinstance(error, SystemExit):
        import traceback

        traceback.print_exception(type(error), error, error.__traceback__)
    sys.stdout.flush()
    os._exit(0 if error is None else 1)


def describe(kind, error):
    """A frame with an exception: its class, its message, and the traceback from the user's own code on."""
    import traceback

    stack = error.__traceback__
    while stack is not None and is_ours(stack.tb_frame.f_code.co_filename):
        stack = stack.tb_next
    try:
        message = str(error)
        lines = traceback.format_exception(type(error), error, stack)
    except BaseException as failure:
        # An exception may fail to describe itself.
        message = "its message cannot be shown: " + type(failure).__name__
        lines = traceback.format_tb(stack) + [type(error).__name__ + ": " + message + "\n"]
    facts = {"name": type(error).__name__, "message": message, "traceback": "".join(lines)}
    return frame(kind, json.dumps(facts).encode("ascii"))


def is_ours(filename):
    return filename == __file__ or filename.startswith("<frozen importlib") or "/importlib/" in filename


class LoadError(Exception):
    """The application cannot be used; the message says why."""


def load(target, folder, is_factory):
    """Imports `module:attribute`, or `path/file.py:attribute`."""
    import importlib

    name, _, path = target.partition(":")
    if name.endswith(".py") or os.sep in name:
        name = name_of_file(os.path.join(folder, name), folder)
    else:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise LoadError("there is no module {} in {}".format(error.name, folder))
        raise
    found = module
    if path:
        for attribute in path.split("."):
            if not hasattr(found, attribute):
                near = ", ".join(callables_of(found)) or "none"
                raise LoadError("{} has no attribute {}; callables in it: {}".format(name, attribute, near))
            found = getattr(found, attribute)
    else:
        usual = [word for word in ("application", "app") if hasattr(module, word)]
        if not usual:
            near = ", ".join(callables_of(module)) or "none"
            raise LoadError("{} has no application and no app; callables in it: {}".format(name, near))
        found = getattr(module, usual[0])
    label = "{}:{}".format(name, path or usual[0])
    if is_factory:
        if not callable(found):
            raise LoadError("{} is not callable, and the option factory calls it".format(label))
        found = found()
        label += "()"
    if not callable(found):
        raise LoadError("{} is not callable, but of type {}".format(label, type(found).__name__))
    if is_asgi(found):
        raise LoadError(
            "{} is an ASGI application, and this bridge runs WSGI: pip install a2wsgi, then serve "
            "a2wsgi.ASGIMiddleware({})".format(label, path or usual[0])
        )
    return found


def name_of_file(path, folder):
    """Puts the folder of a file on the path, above the packages that it is part of, and gives its module's name."""
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise LoadError("there is no file {}".format(os.path.relpath(path, folder)))
    parent, base = os.path.split(path)
    names = [os.path.splitext(base)[0]]
    while os.path.isfile(os.path.join(parent, "__init__.py")):
        parent, package = os.path.split(parent)
        names.insert(0, package)
    sys.path.insert(0, folder)
    if parent != folder:
        sys.path.insert(0, parent)
    return ".".join(names)


def callables_of(module):
    return [word for word, value in vars(module).items() if callable(value) and not word.startswith("_")][:8]


def is_asgi(application):
    """An ASGI application is a coroutine function, or takes scope, receive and send."""
    import inspect

    call = application if inspect.isroutine(application) else getattr(application, "__call__", application)
    if inspect.isclass(application):
        call = application.__init__
    if inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(call):
        return True
    try:
        names = list(inspect.signature(application).parameters)
    except (TypeError, ValueError):
        return False
    return names[:3] == ["scope", "receive", "send"] or names == ["scope"]


class Worker:
    """The process: its application, its lanes, its control channel."""

    def __init__(self, control, setup):
        import threading

        self.threading = threading
        self._control = control
        # A signal may come while a signal is told.
        self._control_lock = threading.RLock()
        self._setup = setup
        self._known = {}
        self.application = None
        self.base = {
            "wsgi.version": (1, 0),
            "wsgi.multithread": setup["threads"] > 1,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
        }

    def run(self):
        import signal

        setup = self._setup
        # Before the import, which may take for ever.
        self._start(self._watch)
        # The gateway ends its workers. A signal to all processes of a service must not cut requests off.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda _number, _frame: self.tell(frame(RETIRE, b"SIGTERM")))
        try:
            import faulthandler

            faulthandler.register(signal.SIGUSR1)
        except (ImportError, AttributeError, ValueError):
            pass
        lanes = []
        for number in range(setup["threads"]):
            os.set_inheritable(FIRST_LANE + number, False)
            sock = socket.socket(fileno=FIRST_LANE + number)
            sock.setblocking(True)
            lanes.append(Lane(sock, self))
        # Before the import too, which may fork.
        os.register_at_fork(after_in_child=lambda: self._leave_gateway(lanes))
        try:
            self.application = load(setup["application"], setup["folder"], setup["factory"])
        except BaseException as error:
            self.tell(describe(BROKEN, error))
            return 1
        if setup["reload"]:
            self._known = self._stamps()
        self.tell(frame(READY, sys.version.split()[0].encode("ascii")))
        threads = [self._start(lane.run) for lane in lanes[1:]]
        # The main thread serves too: one that only waits would cost a switch a request.
        self._guard(lanes[0].run)
        for thread in threads:
            thread.join()
        return 0

    def _leave_gateway(self, lanes):
        """Parts a process that the application has forked from the gateway: it neither serves nor keeps sockets open."""
        for lane in lanes:
            lane.forget()
        self._control_lock = self.threading.RLock()
        self._control.close()

    def _start(self, work):
        thread = self.threading.Thread(target=self._guard, args=(work,), daemon=True)
        thread.start()
        return thread

    def _guard(self, work):
        try:
            work()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(70)

    def tell(self, octets):
        try:
            with self._control_lock:
                self._control.sendall(octets)
        except OSError:
            pass

    def _watch(self):
        """Waits for the end of the gateway; for reload also looks at the files of the modules."""
        import select
        import time

        while True:
            wait = RELOAD_INTERVAL if self._known else (1 if self._setup["reload"] else None)
            if select.select([self._control], [], [], wait)[0]:
                if not self._control.recv(RECEIVED):
                    break
            elif self._known:
                changed = self._changed()
                if changed:
                    self._setup["reload"] = False
                    self._known = {}
                    self.tell(frame(RETIRE, ("changed: " + changed).encode("utf-8", "replace")))
        time.sleep(FAREWELL)
        os._exit(1)

    def _stamps(self):
        """The times of the files of all modules but those that are installed."""
        installed = (os.path.join(sys.prefix, "lib"), os.path.join(sys.base_prefix, "lib"), os.path.dirname(os.__file__))
        stamps = {}
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if not isinstance(path, str) or path == __file__ or path.startswith(installed):
                continue
            try:
                stamps[path] = os.stat(path).st_mtime_ns
            except OSError:
                stamps[path] = 0
        return stamps

    def _changed(self):
        now = self._stamps()
        for path, stamp in now.items():
            if self._known.setdefault(path, stamp) != stamp:
                return path
        return None


def main():
    control = socket.socket(fileno=CONTROL)
    control.setblocking(True)
    os.set_inheritable(CONTROL, False)
    # What the application prints goes to the log at once.
    sys.stdout.reconfigure(line_buffering=True)
    received = b""
    while len(received) < 5 or len(received) < 5 + int.from_bytes(received[1:5], "big"):
        octets = control.recv(RECEIVED)
        if not octets:
            return 1
        received += octets
    # The folder of this file is no place for imports.
    if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    # For `ps` only.
    del sys.argv[1:]
    return Worker(control, json.loads(received[5:].decode("utf-8"))).run()


if __name__ == "__main__":
    sys.exit(main())
