"""What tests of every package share."""

import os
import socket
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from settings import Settings


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
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
