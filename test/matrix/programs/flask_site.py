"""A Flask app."""

import os
import time

from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/greet/<name>")
def greet(name):
    query = request.query_string.decode()
    text = "{} {} ?{} {}".format(request.method, name, query, request.headers["X-Word"])
    response = Response(text, mimetype="text/plain")
    response.set_cookie("a", "1", path=None)
    response.set_cookie("b", "2", path=None)
    return response


@app.post("/echo")
def echo():
    return Response(request.get_data(), status=201, content_type=request.content_type)


@app.get("/stream")
def stream():
    return Response(pieces(request.headers["X-Marks"]), mimetype="text/plain")


def pieces(marks):
    open(marks + ".begun", "w").close()
    ending = "left"
    try:
        yield "first"
        while not os.path.exists(marks + ".go"):
            time.sleep(0.01)
            yield "."
        yield "last"
        ending = "finished"
    finally:
        with open(marks + ".writing", "w") as file:
            file.write(ending)
        os.rename(marks + ".writing", marks + ".ended")


@app.get("/break")
def break_off():
    return Response(broken_pieces(), mimetype="text/plain")


def broken_pieces():
    yield "first"
    time.sleep(0.02)
    raise RuntimeError("Failed on purpose")


@app.get("/fail")
def fail():
    raise RuntimeError("Failed on purpose")
