"""The pages that show the OpenAPI document, with all that they need: they open without internet."""

from collections.abc import Mapping
from importlib.resources import files

from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import FileResponse, Response
from starlette.routing import Route

SCHEMA = "/openapi.json"
TITLE = "Playbook Miner"
SCRIPT = "text/javascript"
ASSETS = {
    "swagger-ui-bundle.js": SCRIPT,
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": SCRIPT,
    "favicon.png": "image/png",
}
# Redoc would show the logo of its makers from their site.
ONLY_FROM_HERE = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:"
}
A_DAY = {"Cache-Control": "max-age=86400"}

# Addresses are relative, so that the pages open under a prefix of a proxy, too.
PAGES: Mapping[str, Response] = {
    "/docs": get_swagger_ui_html(
        openapi_url=SCHEMA[1:],
        title=TITLE,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
    ),
    "/redoc": get_redoc_html(
        openapi_url=SCHEMA[1:],
        title=TITLE,
        redoc_js_url="docs/redoc.standalone.js",
        redoc_favicon_url="docs/favicon.png",
        with_google_fonts=False,
    ),
}
for _page in PAGES.values():
    _page.headers.update(ONLY_FROM_HERE)
_STATIC = files("fastapi_offline") / "static"
SERVED = dict(PAGES) | {
    f"/docs/{name}": FileResponse(str(_STATIC / name), headers=A_DAY, media_type=kind)
    for name, kind in ASSETS.items()
}
PATHS = (*SERVED, SCHEMA)
routes = [Route(path, answer, methods=["GET", "HEAD"]) for path, answer in SERVED.items()]
