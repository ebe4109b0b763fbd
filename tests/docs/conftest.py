"""Fixtures of the documentation's tests."""

from backend_fixture import backend

__all__ = ["backend"]
