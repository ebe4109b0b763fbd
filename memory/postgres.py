"""PostgreSQL by DATABASE_URL: a pool of connections, and errors without the address's password."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from typing import Final

import asyncpg
from pydantic import SecretStr

from memory.errors import StoreUnavailable

CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 10.0
CONNECTIONS: Final = 10
FAILURES: Final = (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)
CONNECTION_LOST: Final = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
)


@asynccontextmanager
async def open_pool(url: SecretStr) -> AsyncIterator[asyncpg.Pool]:
    """A pool of connections, closed after the block. Raises `StoreUnavailable`."""
    # asyncpg reads the address itself: it knows sslmode and the rest of libpq's parameters.
    dsn = "postgresql://" + url.get_secret_value().partition("://")[2]
    with translated():
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,  # with more it logs a traceback a second while the database is down
            max_size=CONNECTIONS,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
        )
        async with pool.acquire():
            pass  # it is there
    try:
        yield pool
    finally:
        # What still waits for an answer that does not come is not waited for.
        pool.terminate()


@contextmanager
def translated() -> Iterator[None]:
    """Make the driver's errors `StoreUnavailable`."""
    try:
        yield
    except (*CONNECTION_LOST, *FAILURES) as error:
        raise StoreUnavailable(
            f"the PostgreSQL database of DATABASE_URL fails us ({type(error).__name__})"
        ) from error


def lock_number(key: str) -> int:
    """The number of an advisory lock for a key of any length."""
    return int.from_bytes(sha256(key.encode(errors="surrogatepass")).digest()[:8], signed=True)
