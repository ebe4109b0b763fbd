"""What tests of every package share."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from settings import Settings

FIRST_PORT, PORTS_EACH, PARALLEL = 12_000, 2_500, 8  # up to 32,000; Linux gives from 32,768 on


class IsolatedSettings(Settings):
    """Settings that read neither the environment nor a `.env` of whoever runs the tests."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def make_settings(data_dir: Path, **overrides: object) -> Settings:
    """Settings of a miner that keeps everything in `data_dir`; `overrides` by field name."""
    chosen = {"llm_provider": "local", "miner_api_key": "test-key", "data_dir": data_dir}
    return IsolatedSettings.load(None, **(chosen | overrides))


def require(available: bool, reason: str) -> None:
    """Skip the test with `reason` where something is not available; fail if REQUIRE_ALL=1."""
    if available:
        return
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on, and none is given twice.

    The system gives away ports of its own range at any time, also one that a test has just
    chosen for a server; so these lie below it, and those of parallel runs apart.
    """
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def _own_ports() -> Iterator[int]:
    parallel = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + PORTS_EACH * (parallel % PARALLEL)
    started_at = os.getpid() % PORTS_EACH
    return cycle(first + (started_at + each) % PORTS_EACH for each in range(PORTS_EACH))


_ports = _own_ports()
