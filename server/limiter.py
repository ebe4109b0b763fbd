"""Counting against a rate, in this process or in a Redis that several replicas share."""

import asyncio
import math
import time

import structlog
from limits import RateLimitItem, WindowStats, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.coredis import CoredisBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError

from settings import SettingsError

log = structlog.get_logger(__name__)

REDIS_PATIENCE = 0.5  # seconds; a limit is not worth keeping a caller waiting for
REDIS_REST = 30.0  # seconds without a further try after a failure


class Limiter:
    """Lets each caller do something so many times in a while.

    A Redis that fails does not stop the miner: counting goes on in this process, and Redis is
    tried again after a rest.

    Raises `SettingsError` where `redis_url` cannot be one.
    """

    def __init__(self, name: str, rate: str, redis_url: str | None = None) -> None:
        self._name = name
        self._rate: RateLimitItem = parse(rate)
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._redis = _on_redis(redis_url) if redis_url else None
        self._shared = SlidingWindowCounterRateLimiter(self._redis) if self._redis else None
        self._redis_rests_until = 0.0

    async def hit(self, who: str) -> int | None:
        """Count once for `who`. None if that is allowed, else the seconds to wait (at least 1)."""
        if self._shared is not None and time.monotonic() >= self._redis_rests_until:
            try:
                async with asyncio.timeout(REDIS_PATIENCE):
                    wait = await self._count(self._shared, who)
            except (StorageError, OSError) as error:  # the client lets some of these through
                self._rest(error)
            else:
                self._note_recovery()
                return wait
        return await self._count(self._local, who)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None and isinstance(self._redis.bridge, CoredisBridge):
            self._redis.bridge.get_connection().connection_pool.disconnect()
            await asyncio.sleep(0)  # the loop closes their sockets on its next turn

    async def _count(self, limiter: SlidingWindowCounterRateLimiter, who: str) -> int | None:
        if await limiter.hit(self._rate, self._name, who):
            return None
        window: WindowStats = await limiter.get_window_stats(self._rate, self._name, who)
        return max(1, math.ceil(window.reset_time - time.time()))

    def _rest(self, error: Exception) -> None:
        self._redis_rests_until = time.monotonic() + REDIS_REST
        log.warning(
            "Redis does not answer; rates are counted in this process until it does",
            limit=self._name,
            reason=_reason(error),
        )

    def _note_recovery(self) -> None:
        if self._redis_rests_until:
            log.info("Redis answers again; rates are shared", limit=self._name)
        self._redis_rests_until = 0.0


def _on_redis(url: str) -> RedisStorage:
    """Connects at the first hit."""
    try:
        return RedisStorage(f"async+{url}", wrap_exceptions=True)
    except ConfigurationError:
        raise SettingsError(
            "REDIS_URL is wrong: write it as redis://[:password@]host:port[/database]"
        ) from None


def _reason(error: Exception) -> str:
    # The storage's own error wraps the client's, which says more.
    origin = error.__cause__ if isinstance(error, StorageError) else None
    return type(origin or error).__name__
