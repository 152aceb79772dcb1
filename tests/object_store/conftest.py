"""An S3 API on loopback behind a proxy that can fail, and a place in its bucket for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tracemill.warehouse import remote

from .server import BUCKET, SECRET, Faults, Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    proxy = Proxy(f"http://{host}:{port}")
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys).create_bucket(Bucket=BUCKET)
    yield proxy
    proxy.shutdown()
    server.stop()


@pytest.fixture
def environment(proxy: Proxy) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": proxy.address,
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def faults(proxy: Proxy, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """The store, without faults as yet."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "PAUSES", (0.01,) * 4)
    monkeypatch.setattr(remote, "OWN_RETRIES", 0)
    proxy.faults.none()
    yield proxy.faults
    proxy.faults.none()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    return f"s3://{BUCKET}/{request.node.name.replace('[', '/').rstrip(']')}"
