"""HTTP: wire formats, routes, keys, limits and errors. Knows graphs only by their registry."""

__version__ = "0.1.0"
