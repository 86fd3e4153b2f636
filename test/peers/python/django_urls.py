"""The views of django_site.py."""

import hashlib

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path, re_path, reverse
from django.views.decorators.csrf import csrf_exempt


def hello(request, name):
    return HttpResponse("Hello " + name)


def links(request):
    return JsonResponse({"path": reverse("hello", args=["Ada"]), "whole": request.build_absolute_uri(reverse("admin:index"))})


@csrf_exempt
def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return JsonResponse({"name": file.name, "digest": digest.hexdigest(), "note": request.POST["note"]})


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


def stream(request):
    return StreamingHttpResponse(("line %d\n" % number for number in range(1000)), content_type="text/plain")


def source(request):
    return FileResponse(open(__file__, "rb"))


def fail(request):
    raise RuntimeError("a bug of the view")


urlpatterns = [
    path("hello/<str:name>", hello, name="hello"),
    path("links", links),
    path("upload", upload),
    path("visits", visits),
    path("stream", stream),
    path("source", source),
    path("fail", fail),
    path("admin/", admin.site.urls),
    re_path(r"^static/(?P<path>.*)$", serve, {"insecure": True}),
]
