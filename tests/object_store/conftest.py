"""A store on loopback behind a proxy that can fail, and a place in its bucket for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracemill.warehouse import remote

from . import stores
from .server import BUCKET, Faults
from .stores import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(
    scope="module", params=["s3", *(pytest.param(s, marks=pytest.mark.full) for s in ("gs", "az"))]
)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each in turn; a test that ends with `of_each_store` does not leave the others to the long run."""
    with getattr(stores, request.param)() as store:
        yield store


@pytest.fixture
def environment(store: Store) -> dict[str, str]:
    return store.environment | {"NO_PROXY": "127.0.0.1"}


@pytest.fixture
def faults(store: Store, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """The store, without faults as yet."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "PAUSES", (0.01,) * 4)
    monkeypatch.setattr(remote, "OWN_RETRIES", 0)
    store.proxy.faults.none()
    yield store.proxy.faults
    store.proxy.faults.none()


@pytest.fixture
def place(store: Store, request: pytest.FixtureRequest) -> str:
    return f"{store.scheme}://{BUCKET}/{request.node.name.replace('[', '/').rstrip(']')}"
