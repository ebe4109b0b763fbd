"""Which methods each path takes, and what the others are told."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/playbook/x", "GET, POST, DELETE"),
        ("POST", "/playbook/x/node", "PATCH, DELETE"),
        ("GET", "/users/x", "DELETE"),
        ("GET", "/complete", "POST"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
async def test_allow_names_every_method_of_the_path(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    response = await client.request(method, path)
    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    assert response.json()["error"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/", "/health", "/metrics"])
async def test_head_is_get_without_the_body(client: httpx.AsyncClient, path: str) -> None:
    got, head = await client.get(path), await client.head(path)
    assert head.status_code == got.status_code == 200
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert head.content == b""
