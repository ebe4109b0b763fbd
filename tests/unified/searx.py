"""A small server that answers as SearxNG does, over a real socket."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]


def row(title: str, url: str, content: str) -> Row:
    """A result as SearxNG writes it."""
    return {
        "title": title,
        "url": url,
        "content": content,
        "engine": "scripted",
        "engines": ["scripted"],
        "category": "general",
        "positions": [1],
        "score": 1.0,
        "publishedDate": None,
        "template": "default.html",
        "parsed_url": ["https", "example.org", "/", "", "", ""],
    }


class Searx:
    """The server: a context manager. `answer` makes the results of a query.

    `raw` replaces the whole body, `status` the status; `hang` leaves requests unanswered until
    the end, `drop` closes the connection instead of answering.
    """

    def __init__(self) -> None:
        self._ending = threading.Event()
        self.reset_script()

    def reset_script(self) -> None:
        """Find nothing, and forget what was asked."""
        self.answer: Callable[[str], list[Row]] = lambda _: []
        self.raw: bytes | None = None
        self.status = 200
        self.hang = False
        self.drop = False
        self.asked: list[dict[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        searx = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                searx._handle(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(asked)
        if self.hang:
            self._ending.wait(60)
            return
        if self.drop:
            request.connection.close()
            return
        found = parts.path == "/search" and asked.get("format") == "json"
        body = self.raw if self.raw is not None else self._body(asked.get("q", ""))
        request.send_response(self.status if found else 404)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _body(self, query: str) -> bytes:
        value = {
            "query": query,
            "number_of_results": 0,
            "results": self.answer(query),
            "answers": [],
            "corrections": [],
            "infoboxes": [],
            "suggestions": [],
            "unresponsive_engines": [],
        }
        return json.dumps(value).encode()
