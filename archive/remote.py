"""Object stores through fsspec, by URL; here and nowhere else their libraries' errors become Problems.

Credentials come from the environment, as each store's own SDK looks for them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from fsspec import AbstractFileSystem, get_fs_token_paths

from problem import Misuse, Problem

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
_CREDENTIALS = {
    "s3": "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS",
}
_BLOCK = 8 * 1024 * 1024


def open_filesystem(url: str, options: Mapping[str, Any] | None = None) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL and the path in it. ``options``: ``endpoint_url`` and ``anon``, where needed.

    Misuse for a URL that fsspec does not know; Problem ``storage-driver-missing`` where its driver is not
    installed. Nothing is asked of the store yet.
    """
    extra = _EXTRAS.get(url.partition("://")[0], "")
    if extra == "gcs":
        # Else gcsfs asks for each bucket's type by gRPC first, for a minute where none answers.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        with mapped(url):
            made, _token, paths = get_fs_token_paths(url, storage_options=_translated(extra, options or {}))
    except ImportError as error:
        cure = f"pip install 'reforge[{extra}]'" if extra else "Install the package that it names"
        raise Problem("storage-driver-missing", f"{url} cannot be opened: {error}", cure) from error
    except ValueError as error:
        raise Misuse("storage-url-wrong", f"{url} cannot be opened: {error}") from error
    return made, str(paths[0]).rstrip("/")


def _translated(extra: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Our few options in each driver's own words; its cached listings would hide what came later."""
    found: dict[str, Any] = {"use_listings_cache": False}
    if options.get("endpoint_url"):
        found["endpoint_url"] = options["endpoint_url"]
    if options.get("anon"):
        found |= {"token": "anon"} if extra == "gcs" else {"anon": True}
    return found


@contextmanager
def mapped(url: str) -> Iterator[None]:
    """Problem ``storage-unreachable`` for what the libraries raise; FileNotFoundError stays as it is."""
    try:
        yield
    except (FileNotFoundError, ImportError, ValueError, Problem):
        raise
    except Exception as error:  # botocore, aiohttp, google.auth and gcsfs have no base class in common
        extra = _EXTRAS.get(url.partition("://")[0], "")
        keys = f" and its credentials ({_CREDENTIALS[extra]})" if extra in _CREDENTIALS else ""
        what = f"{url} cannot be read: {type(error).__name__}: {error}"
        raise Problem(
            "storage-unreachable", what, f"Check the URL{keys}, then run the command again"
        ) from error


@contextmanager
def opened(files: AbstractFileSystem, path: str, url: str) -> Iterator[BinaryIO]:
    """A file of a store as a stream that can peek; errors while it is read are mapped too."""
    with mapped(url):
        source = files.open(path, "rb", block_size=_BLOCK, cache_type="readahead")
    with source, io.BufferedReader(_Mapped(source, url), _BLOCK) as stream:
        yield stream


class _Mapped(io.RawIOBase):
    """Maps the errors of reading, and of nothing that happens around it, such as a full disk of ours."""

    def __init__(self, source: Any, url: str) -> None:
        self._source, self._url = source, url

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with mapped(self._url):
            chunk = cast(bytes, self._source.read(len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)
