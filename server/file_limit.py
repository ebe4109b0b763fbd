"""How many files, connections among them, the process may have open."""

import sys

if sys.platform != "win32":
    import resource

WANTED = 8192


def file_limit() -> int:
    """The present limit; where there is none, as many as are `WANTED`."""
    if sys.platform == "win32":
        return WANTED
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft


def raise_file_limit() -> None:
    """Let this process and its children open more files, as far as the system allows it.

    Many systems allow more than the 256 or 1,024 that a process gets without asking.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if resource.RLIM_INFINITY != soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
