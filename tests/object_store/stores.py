"""The three kinds of stores on loopback: what serves each, and the environment that a client needs for it.

S3 is moto's. Google's XML API is S3's but for how a version is named: by a generation, a number, in headers
of its own (https://cloud.google.com/storage/docs/xml-api/reference-headers). So moto serves that too, and the
proxy translates these headers; an object's generation is its e-tag as a number. Azure is Azurite, where that
is installed (`npm install azurite`).
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import shutil
import subprocess
import tempfile
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from .server import BUCKET, SECRET, Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

_AZURE = "devstoreaccount1"
# Azurite's own, which everybody knows
_AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True, slots=True)
class Store:
    """A store behind a proxy; secret: what nothing may print."""

    scheme: str
    proxy: Proxy
    environment: dict[str, str]
    secret: str = SECRET


@contextmanager
def s3() -> Iterator[Store]:
    with _moto() as target:
        proxy = Proxy(target)
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
        yield Store("s3", proxy, keys | {"AWS_ENDPOINT_URL": proxy.address})
        proxy.shutdown()


@contextmanager
def gs() -> Iterator[Store]:
    with _moto() as target:
        proxy = Proxy(target, _to_s3, _from_s3)
        key = {"client_email": "", "private_key": SECRET, "private_key_id": "", "disable_oauth": True}
        environment = {"GOOGLE_BASE_URL": proxy.address, "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key)}
        yield Store("gs", proxy, environment)
        proxy.shutdown()


@contextmanager
def az() -> Iterator[Store]:
    server = shutil.which("azurite-blob")
    if server is None:
        pytest.skip("no azurite-blob on the PATH, which plays Azure: npm install azurite")
    with tempfile.TemporaryDirectory() as folder:
        words = [server, "--blobPort", "0", "--location", folder, "--silent", "--skipApiVersionCheck"]
        azurite = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert azurite.stdout is not None
            said = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in azurite.stdout)
            found = next(filter(None, said))
            proxy = Proxy(found[0])
            environment = {
                "AZURE_STORAGE_ACCOUNT_NAME": _AZURE,
                "AZURE_STORAGE_ACCOUNT_KEY": _AZURE_KEY,
                "AZURE_STORAGE_ENDPOINT": f"{proxy.address}/{_AZURE}",
            }
            _make_container(found[0])
            yield Store("az", proxy, environment, _AZURE_KEY)
            proxy.shutdown()
        finally:
            azurite.terminate()
            azurite.wait()


@contextmanager
def _moto() -> Iterator[str]:
    """An S3 server with a bucket; its address."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=address, **keys).create_bucket(Bucket=BUCKET)
    yield address
    server.stop()


def _to_s3(headers: dict[str, str]) -> None:
    """Put Google's token and its condition on a version as S3 has them."""
    headers.pop("authorization", None)
    scope = "testing/20260101/us-east-1/s3/aws4_request"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    wanted = headers.pop("x-goog-if-generation-match", None)
    if wanted == "0":
        headers["If-None-Match"] = "*"
    elif wanted is not None:
        headers["If-Match"] = f'"{int(wanted):032x}"'


def _from_s3(headers: dict[str, str]) -> None:
    """Name the version as Google does; that of an upload in parts has no MD5."""
    if (tag := headers.get("ETag", "").strip('"')) and "-" not in tag:
        headers["x-goog-generation"] = str(int(tag, 16))


def _make_container(address: str) -> None:
    """Make the container; the signature is "Shared Key" of Azure's documentation."""
    date = formatdate(usegmt=True)
    lines = ["PUT", *[""] * 11, f"x-ms-date:{date}", "x-ms-version:2021-12-02"]
    lines += [f"/{_AZURE}/{_AZURE}/{BUCKET}", "restype:container"]
    digest = hmac.digest(base64.b64decode(_AZURE_KEY), "\n".join(lines).encode(), "sha256")
    headers = {"x-ms-date": date, "x-ms-version": "2021-12-02", "Content-Length": "0"}
    headers["Authorization"] = f"SharedKey {_AZURE}:{base64.b64encode(digest).decode()}"
    url = f"{address}/{_AZURE}/{BUCKET}?restype=container"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers)).close()
