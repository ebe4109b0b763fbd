"""How uvicorn serves the application."""

from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

from server.protocol import Protocol

# A query of the longest kind, each of its characters percent-encoded, has to fit.
LARGEST_HEAD = 64 * 1024
# A worker answers its supervisor once it has imported everything, and until then counts as hung.
# That took 6 s of CPU; several workers do it at once, on a machine that may be busy.
WORKER_SILENCE_SECONDS = 120
# What the system accepts before the server looks comes at once, before any of it can be closed.
BACKLOG = 256
# Longer than proxies and clients keep an idle connection (60 s at most are usual): whoever closes
# first must not be the one to whom a request may already be on its way.
IDLE_SECONDS = 75


def server_config(
    app: str | ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    workers: int = 1,
    drain_seconds: int,
    trusted_proxies: Sequence[str] = (),
) -> uvicorn.Config:
    """The configuration that serves `app`, or what the factory `app` names makes.

    h11 answers a request that offers to upgrade its connection, as Java's client and `curl --http2`
    do, as if it had not; the faster httptools loses its body. No WebSocket is served, so that a
    handshake passes through the middlewares like any other request.

    From `trusted_proxies` (addresses and networks), and from nobody else, `X-Forwarded-For` is
    believed: its last address that is none of theirs is the caller's.
    """
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        host=host,
        port=port,
        workers=workers,
        http=Protocol,
        backlog=BACKLOG,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",
        lifespan="on",
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
        timeout_worker_healthcheck=WORKER_SILENCE_SECONDS,
        access_log=False,
        server_header=False,
        log_config=None,
    )
