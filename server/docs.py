"""The pages that show the OpenAPI document, with all that they need: they open without internet."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

SCHEMA = "/openapi.json"
TITLE = "Playbook Miner"
SCRIPT = "text/javascript"
ASSETS = {
    "swagger-ui-bundle.js": SCRIPT,
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": SCRIPT,
    "favicon.png": "image/png",
}
PATHS = ("/docs", "/redoc", SCHEMA, *(f"/docs/{name}" for name in ASSETS))
# Redoc would show the logo of its makers from their site.
ONLY_FROM_HERE = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:"
}
A_DAY = {"Cache-Control": "max-age=86400"}

routes = APIRouter(include_in_schema=False)


# Addresses are relative, so that the pages open under a prefix of a proxy, too.
@routes.api_route("/docs", methods=["GET", "HEAD"])
async def swagger() -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=SCHEMA[1:],
        title=TITLE,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
    )
    page.headers.update(ONLY_FROM_HERE)
    return page


@routes.api_route("/redoc", methods=["GET", "HEAD"])
async def redoc() -> HTMLResponse:
    page = get_redoc_html(
        openapi_url=SCHEMA[1:],
        title=TITLE,
        redoc_js_url="docs/redoc.standalone.js",
        redoc_favicon_url="docs/favicon.png",
        with_google_fonts=False,
    )
    page.headers.update(ONLY_FROM_HERE)
    return page


def _served(path: Path, kind: str) -> Callable[[], Awaitable[FileResponse]]:
    async def asset() -> FileResponse:
        return FileResponse(path, headers=A_DAY, media_type=kind)

    return asset


for _name, _kind in ASSETS.items():
    _path = Path(str(files("fastapi_offline") / "static" / _name))
    routes.add_api_route(f"/docs/{_name}", _served(_path, _kind), methods=["GET", "HEAD"])
