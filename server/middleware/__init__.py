"""What every request passes through before a route sees it: pure ASGI, one idea a file."""
