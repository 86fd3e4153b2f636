"""A site as people write it with Flask."""

import hashlib
import time

from flask import Flask, Response, redirect, request, session, stream_with_context, url_for

app = Flask(__name__)
app.secret_key = "a secret of the test"


@app.route("/")
def index():
    return '<a href="{}">Ada</a>'.format(url_for("greet", name="Ada"))


@app.route("/greet/<name>")
def greet(name):
    return "Hello {} from {}".format(name, request.path)


@app.route("/whole-url")
def whole_url():
    return url_for("greet", name="中", _external=True)


@app.route("/form", methods=["GET", "POST"])
def form():
    if request.method == "POST":
        session["name"] = request.form["name"]
        session["visits"] = session.get("visits", 0) + 1
        return redirect(url_for("show"))
    return '<form method="post"><input name="name"><button>Send</button></form>'


@app.route("/show")
def show():
    return "{} was here {} times".format(session.get("name"), session.get("visits"))


@app.route("/upload", methods=["POST"])
def upload():
    file = request.files["file"]
    return {"name": file.filename, "digest": hashlib.sha256(file.read()).hexdigest(), "note": request.form["note"]}


@app.route("/json", methods=["POST"])
def take_json():
    return {"got": request.get_json()}


@app.route("/raw", methods=["POST"])
def raw():
    return {"length": len(request.get_data())}


@app.route("/stream")
def stream():
    def lines():
        for number in range(5):
            yield "line {} of {}\n".format(number, request.path)
            time.sleep(0.05)

    return Response(stream_with_context(lines()), mimetype="text/plain")


@app.route("/me")
def me():
    return request.remote_user or "nobody"


@app.route("/log")
def log():
    app.logger.error("told by the logger")
    return "logged"


@app.route("/fail")
def fail():
    raise RuntimeError("a bug of the view")


@app.route("/file")
def send():
    from flask import send_file

    return send_file(__file__, conditional=True)
