"""MapProxy with one layer that it draws itself."""

import os

from mapproxy.wsgiapp import make_wsgi_app

PATH = os.path.join(os.environ["SITE_FOLDER"], "mapproxy.yaml")
with open(PATH, "w") as file:
    file.write(
        """
services: {demo: , wms: {md: {title: Maps of a test}}, tms: }
layers: [{name: plan, title: A plan, sources: [drawn]}]
caches: {drawn: {grids: [webmercator], sources: [debug], disable_storage: true}}
sources: {debug: {type: debug}}
grids: {webmercator: {base: GLOBAL_WEBMERCATOR}}
"""
    )

application = make_wsgi_app(PATH)
