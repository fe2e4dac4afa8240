"""Any OpenAI-compatible server: vLLM, SGLang, `transformers serve`, or a paid one."""

import asyncio
import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import openai

from winnow.captioning.answers import tidy
from winnow.captioning.desk import Reply, Request, counted
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, normalise
from winnow.params.sections import Generation, Server

KEY = "OPENAI_API_KEY"  # the environment variable; local servers need none
MEDIA = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
DOWN = 2  # this many times `concurrency` requests in a row unanswered: none is sent again


class OpenAIBackend:
    """Chat completions, `concurrency` of them in flight.

    The client sends a request again after 408, 409, 429, 5xx, a timeout or a lost connection: when
    `Retry-After` says so, else after ever longer pauses. A server that cannot be reached, or that
    refuses the key or the model, is a WinnowError.
    """

    def __init__(self, server: Server, settings: Generation):
        """Nothing is sent before there is a request."""
        self.server, self.settings = server, settings
        parts = urlsplit(server.url)
        host = parts.netloc.rpartition("@")[2]  # without a user's name and password
        self.identity = f"openai {host}{parts.path.rstrip('/')} {server.model}"
        self.unanswered = 0  # requests in a row

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        """Answer requests as they are done; for each that is done a further one is taken."""
        source = iter(requests)
        if (first := next(source, None)) is None:
            return
        with asyncio.Runner() as runner:
            client = self._client()
            flying: dict[asyncio.Task[Reply | WinnowError], Request] = {}
            try:
                _raised(runner.run(self._probe(client)))
                for request in chain([first], source):
                    flying[runner.get_loop().create_task(self._reply(client, request))] = request
                    while len(flying) == self.settings.concurrency:
                        yield from _landed(runner, flying)
                while flying:
                    yield from _landed(runner, flying)
            finally:
                runner.run(_end(client, flying))

    def _client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=self.server.url,
            api_key=os.environ.get(KEY) or "none",
            timeout=self.settings.timeout,
            max_retries=self.settings.retries,
        )

    async def _probe(self, client: openai.AsyncOpenAI) -> WinnowError | None:
        """Whether the server is there and takes the key; more shows with the first request."""
        try:
            await client.with_options(max_retries=0).models.with_raw_response.list()
        except openai.APITimeoutError:
            return None  # it may be busy
        except openai.APIConnectionError as error:
            return WinnowError(
                f"{self.server.url}: no server can be reached there ({_cause(error)}); "
                "start it, or name its address by --server"
            )
        except openai.APIError as error:
            return self._refusal(error, of_model=False)
        return None

    async def _reply(self, client: openai.AsyncOpenAI, request: Request) -> Reply | WinnowError:
        try:
            content = await asyncio.to_thread(_content, request)
        except BadImageError as error:
            return Reply(fault=f"unreadable image: {error}", final=True)
        down = self.unanswered >= DOWN * self.settings.concurrency
        options: dict[str, Any] = {"top_p": 1.0} if request.temperature > 0 else {}
        try:
            raw = await client.with_options(
                max_retries=0 if down else self.settings.retries
            ).chat.completions.with_raw_response.create(
                model=self.server.model,
                messages=[{"role": "user", "content": content}],
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                seed=request.seed,
                **options,
            )
        except openai.APIError as error:
            return self._refusal(error) or self._fault(error)
        self.unanswered = 0
        return _read(raw.http_response.content)

    def _refusal(self, error: openai.APIError, of_model: bool = True) -> WinnowError | None:
        """What no request can get past."""
        url, model = self.server.url, self.server.model
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return WinnowError(
                f"{url}: the server refuses the key ({error.status_code}); set {KEY} to a valid one"
            )
        if of_model and isinstance(error, openai.NotFoundError):
            return WinnowError(
                f"{url}: the server answers 404 for the model {model!r}: {_said(error)}; see "
                f"{url.rstrip('/')}/models for its names, and whether the address lacks /v1"
            )
        return None

    def _fault(self, error: openai.APIError) -> Reply:
        sent = counted(1 + int(error.request.headers.get("x-stainless-retry-count", "0")))
        if isinstance(error, openai.APIStatusError) and error.status_code < 500:
            self.unanswered = 0
            return Reply(
                fault=f"server answered {error.status_code} ({sent}): {_said(error)}", final=True
            )
        self.unanswered += 1
        if isinstance(error, openai.APIStatusError):
            fault = f"server answered {error.status_code} ({sent})"
        elif isinstance(error, openai.APITimeoutError):
            fault = f"no answer within {self.settings.timeout:g} s ({sent})"
        else:
            fault = f"connection failed ({sent}): {_cause(error)}"
        return Reply(fault=fault, final=True)


def _landed(
    runner: asyncio.Runner, flying: dict[asyncio.Task[Reply | WinnowError], Request]
) -> Iterator[tuple[Request, Reply]]:
    """Wait for one or more to be done, and take them out."""
    done, _ = runner.run(asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED))
    for task in done:
        request, reply = flying.pop(task), _raised(task.result())
        assert reply is not None
        yield request, reply


def _raised(result: Any) -> Any:
    """Raise a WinnowError that a task returned: those that were not looked at would be logged."""
    if isinstance(result, WinnowError):
        raise result
    return result


async def _end(client: openai.AsyncOpenAI, flying: Iterable[asyncio.Task[Any]]) -> None:
    for task in flying:
        task.cancel()
    await asyncio.gather(*flying, return_exceptions=True)
    await client.close()


def _content(request: Request) -> Any:
    """The message's content. Raises BadImageError."""
    if request.image is None:
        return request.prompt
    image, extension, *_ = normalise(request.image)
    url = f"data:{MEDIA[extension]};base64,{base64.b64encode(image).decode()}"
    return [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": request.prompt},
    ]


def _read(body: bytes) -> Reply:
    """The first choice of a chat completion. What is malformed may be better the next time."""
    try:
        choice = json.loads(body)["choices"][0]
        text, reason = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, RecursionError):
        return Reply(fault="malformed reply (not JSON)")
    except (LookupError, TypeError, AttributeError):
        return Reply(fault="malformed reply (no message)")
    if not isinstance(text, str):
        return Reply(fault="malformed reply (no text)")
    return Reply(text, cut=reason == "length")


def _said(error: openai.APIStatusError) -> str:
    """The server's own words, in short."""
    body = error.body
    said = body.get("message") or body.get("detail") if isinstance(body, Mapping) else body
    return tidy(str(said or error.message))[:200]


def _cause(error: openai.APIError) -> str:
    return tidy(str(error.__cause__ or error))[:200]
