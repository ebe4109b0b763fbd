"""The fixtures of the unified form: a shared miner, its backend, and a caller."""

from unified.conftest import _shared, _watch_for_blocking, cid, client, shared_backend

__all__ = ["_shared", "_watch_for_blocking", "cid", "client", "shared_backend"]
