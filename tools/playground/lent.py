"""The key of the settings, used on behalf of the page."""

from dataclasses import dataclass, field

from tools.client import AsyncClient, same_miner


@dataclass(frozen=True, slots=True)
class Lent:
    """The miner of the settings. Its key stays in this process and never enters the page."""

    url: str = ""
    key: str = field(default="", repr=False)

    def client(self, url: str, key: str) -> AsyncClient:
        """The miner of the fields: the lent key goes to its own miner alone. Raises `Unusable`."""
        lent = self.key if not key.strip() and same_miner(url, self.url) else ""
        return AsyncClient(url.strip().rstrip("/"), key.strip() or lent)
