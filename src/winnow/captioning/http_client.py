"""What is taken from a server at all: no redirect, nothing packed, so many bytes and no more."""

import logging
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar
from typing import Any

import httpx2
import openai

from winnow.captioning.completions import Failure, wait_of
from winnow.data.errors import WinnowError
from winnow.data.secrets import redacted

LARGEST = 4 * 2**20  # bytes of a body; an answer and its thoughts are some kB


class RefusedError(Exception):
    """A reply that is not read any further. It has the `failure` to report."""

    def __init__(self, reply: httpx2.Response, words: str):
        again = False if reply.status_code < 400 else None  # else as the status says
        wait = wait_of(reply.headers)
        self.failure = Failure(reply.status_code, words, wait=wait, again=again)
        super().__init__(words)


def openai_client(url: str, key: str, timeout: float) -> openai.AsyncOpenAI:
    """A client that sends nothing twice; its calls raise RefusedError, and what `openai` raises.

    A redirect is never followed: it would take images and prompts (and the key, where it leads
    from https to http) to a place that nobody named. Raises WinnowError for a proxy in the
    environment that is none.
    """
    # Their own logs hold headers and what else a server says, the key that it echoes included.
    for library in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    hooks = {"response": [_checked]}
    try:
        sender = openai.DefaultAsyncHttpxClient(
            follow_redirects=False, event_hooks=hooks, cookies=_NoCookies()
        )
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        raise WinnowError(
            f"{url}: no client can be made ({redacted(str(error))}); see to the proxy in the "
            "environment variables HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"
        ) from None
    return openai.AsyncOpenAI(
        base_url=url,
        api_key=key,
        timeout=timeout,
        max_retries=0,
        default_headers={"Accept-Encoding": "identity"},
        http_client=sender,
    )


class _NoCookies(CookieJar):
    """Takes none: what a server sets is of no use here, and may be nonsense."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        pass


async def _checked(reply: httpx2.Response) -> None:
    """Called with the headers, before the body is read (h11 reads 100 kB of headers at most)."""
    if 300 <= reply.status_code < 400:
        raise RefusedError(reply, reply.headers.get("location", ""))
    packed = reply.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):  # a kB may become a GB
        raise RefusedError(reply, f"the reply is compressed, which was not asked for: {packed}")
    assert isinstance(reply.stream, httpx2.AsyncByteStream)
    reply.encoding = "utf-8"  # whatever the server says: some encodings of Python's are no text
    reply.stream = _Counted(reply, reply.stream)


class _Counted(httpx2.AsyncByteStream):
    """A body that ends in RefusedError when it has more than `LARGEST` bytes."""

    def __init__(self, reply: httpx2.Response, body: httpx2.AsyncByteStream):
        self.reply, self.body = reply, body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self.body:
            size += len(part)
            if size > LARGEST:
                raise RefusedError(self.reply, f"the reply has more than {LARGEST} bytes")
            yield part

    async def aclose(self) -> None:
        await self.body.aclose()
