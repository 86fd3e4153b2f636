"""A small site of Flask, for mount-flask.ts and replace-flask.ts."""

import os

from flask import Flask, redirect, request, session, url_for

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET", "for examples only")


@app.route("/")
def index():
    return "Flask answers at {}, {}\n".format(url_for("index"), request.remote_user or "stranger")


@app.route("/login", methods=["POST"])
def login():
    session["name"] = request.form["name"]
    return redirect(url_for("profile"))


@app.route("/profile")
def profile():
    return "Flask knows {}\n".format(session.get("name"))


@app.route("/orders")
def orders():
    return "Flask has no orders of {}\n".format(session.get("name"))
