"""Any OpenAI-compatible server: vLLM, SGLang, `transformers serve`, or a paid one."""

import asyncio
import base64
import json
import os
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import openai

from winnow.captioning import http_client
from winnow.captioning.answers import tidy
from winnow.captioning.completions import Failure, failure, read_completion
from winnow.captioning.request_queue import Reply, Request, counted
from winnow.captioning.settings import TextGeneration
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, normalise
from winnow.data.secrets import gives_away, redacted
from winnow.models.settings import SERVER_KEY as KEY
from winnow.models.settings import Server

MEDIA = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
DOWN = 2  # this many times `concurrency` requests in a row unanswered: none is sent again
PAUSE, LONGEST = 0.5, 8.0  # seconds before the first retry, doubled for each further one
SHORT = 200  # characters of the server's words in a message
ECHO = f"the answer holds the key in {KEY}"


class OpenAIBackend:
    """Chat completions, `concurrency` of them in flight.

    A request is sent again after 408, 409, 425, 429, 5xx, a timeout or a lost connection: when
    `Retry-After` says so, which holds for all requests, else after ever longer pauses. What no
    request can get past is a WinnowError with the server's words: a server that cannot be reached,
    that redirects, that refuses the key, the model or a parameter, or whose quota is used up.

    `timeout` is for all of one sending, from connecting to the last byte. The key is nowhere in
    what comes back: it is taken out of the server's words, and an answer with it is none.
    """

    def __init__(
        self,
        server: Server,
        settings: TextGeneration,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ):
        """Nothing is sent before there is a request. WinnowError for a key that can be none."""
        self.server, self.settings, self.sleep, self.now = server, settings, sleep, now
        self.key = api_key()
        parts = urlsplit(server.url)
        self.identity = f"openai {parts.netloc}{parts.path.rstrip('/')} {server.model}"
        if server.extra_body or server.parameters:
            own = [server.extra_body or {}, server.parameters or {}]
            self.identity += f" {json.dumps(own, sort_keys=True)}"
        self.unanswered = 0  # requests in a row
        self.open_at = now()  # when the server takes requests again

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        """Answer requests as they are done; for each that is done a further one is taken."""
        source = iter(requests)
        if (first := next(source, None)) is None:
            return
        with asyncio.Runner() as runner:
            client = http_client.openai_client(
                self.server.url, self.key or "none", self.settings.timeout
            )
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

    async def _probe(self, client: openai.AsyncOpenAI) -> WinnowError | None:
        """Whether the server is there and takes the key; more shows with the first request."""
        try:
            async with asyncio.timeout(self.settings.timeout):
                await client.models.with_raw_response.list()
        except (TimeoutError, openai.APITimeoutError, http_client.RefusedError):
            return None  # it may be busy, or its list long
        except openai.APIConnectionError as error:
            return WinnowError(
                f"{self.server.url}: no server can be reached there ({self._cause(error)}); "
                "start it, or name its address by --server"
            )
        except openai.APIStatusError as error:
            found = _failure_of(error)
            return None if found.of_model or found.passing else self._hopeless(found)
        return None

    async def _reply(self, client: openai.AsyncOpenAI, request: Request) -> Reply | WinnowError:
        try:
            content = await asyncio.to_thread(_content, request)
        except BadImageError as error:
            return Reply(fault=f"unreadable image: {error}", final=True)
        down = self.unanswered >= DOWN * self.settings.concurrency
        last = 1 if down else 1 + self.settings.retries
        for attempt in range(1, last + 1):
            while (closed := self.open_at - self.now()) > 0:
                await self.sleep(closed)
            answer = await self._send(client, request, content)
            if isinstance(answer, Reply):
                self.unanswered = 0
                return answer
            found = answer
            if stop := self._hopeless(found):
                return stop
            if not found.passing or attempt == last:
                break
            if found.wait is None:
                pause = min(PAUSE * 2 ** (attempt - 1), LONGEST)
                await self.sleep(pause * random.uniform(0.75, 1))
            elif found.wait > self.settings.max_wait:
                return self._too_long(found)
            else:
                self.open_at = max(self.open_at, self.now() + found.wait)
        self.unanswered = self.unanswered + 1 if found.passing else 0
        fault = self._told(found, f" ({counted(attempt)})")
        return Reply(fault=fault, final=True, failed_at=self.server.url)

    async def _send(
        self, client: openai.AsyncOpenAI, request: Request, content: Any
    ) -> Reply | Failure:
        """Send a request once."""
        body = dict(self.server.extra_body or {})
        for name, sent in self.server.names().items():
            if name != "top_p":
                body[sent] = getattr(request, name)
            elif request.temperature > 0:
                body[sent] = 1.0
        try:
            async with asyncio.timeout(self.settings.timeout):
                raw = await client.chat.completions.with_raw_response.create(
                    model=self.server.model,
                    messages=[{"role": "user", "content": content}],
                    extra_body=body,
                )
        except http_client.RefusedError as error:
            return error.failure
        except (TimeoutError, openai.APITimeoutError):
            return Failure(0, f"no answer within {self.settings.timeout:g} s")
        except openai.APIConnectionError as error:
            return Failure(0, f"connection failed: {self._cause(error)}")
        except openai.APIStatusError as error:
            return _failure_of(error)
        found = read_completion(raw.http_response.content)
        if isinstance(found, Reply) and self._echoed(found):
            return Reply(fault=ECHO)
        return found

    def _echoed(self, reply: Reply) -> bool:
        """Whether a reply holds the key, which it must bring into no caption, cache or record."""
        said = (reply.text, reply.thought, reply.refusal) if self.key else ()
        return any(gives_away(form, self.key) for text in said for form in (text, tidy(text)))

    def _hopeless(self, failed: Failure) -> WinnowError | None:
        """What no request can get past."""
        url, model, status = self.server.url, self.server.model, failed.status
        sent = [*self.server.names().values(), *(self.server.extra_body or {})]
        remedy = ""
        if failed.spent:
            text = f"the server gives nothing more ({status})"
            remedy = "see to the account and run again: what was answered is kept"
        elif 300 <= status < 400:
            text = f"the server redirects ({status}), which is not followed"
            remedy = "give the address that answers by itself"
        elif status == 401 or (status == 403 and not failed.of_content):
            text = f"the server refuses the key ({status}); set {KEY} to a valid one"
        elif failed.of_model:
            text = f"the server answers {status} for the model {model!r}"
            remedy = (
                f"see {url.rstrip('/')}/models for its names, and whether the address lacks /v1"
            )
        elif name := failed.refused(sent):
            text = f"the server refuses the field {name!r} ({status})"
            remedy = "change the model's `extra_body`"
            if name not in (self.server.extra_body or {}):
                remedy = (
                    "rename it or leave it out by the model's `parameters`, such as "
                    f"{{{self._own_name(name)}: null}}"
                )
        else:
            return None
        words = self._short(failed.words)
        told = f"{url}: {text}: {words}" if words else f"{url}: {text}"
        return WinnowError(f"{told}; {remedy}" if remedy else told)

    def _own_name(self, sent: str) -> str:
        return next(name for name, other in self.server.names().items() if other == sent)

    def _too_long(self, failed: Failure) -> WinnowError:
        return WinnowError(
            f"{self.server.url}: {self._told(failed)}; it says to wait {failed.wait:.6g} s, more "
            f"than the {self.settings.max_wait:g} s of --max-wait: run again then, or wait longer; "
            "what was answered is kept"
        )

    def _told(self, failed: Failure, sent: str = "") -> str:
        """A failure in words, with how often the request was sent."""
        what, _, words = failed.words.partition(": ")
        if failed.status:
            what, words = f"server answered {failed.status}", failed.words
        words = self._short(words)
        return f"{what}{sent}: {words}" if words else f"{what}{sent}"

    def _short(self, words: str) -> str:
        return redacted(tidy(redacted(words, self.key)), self.key)[:SHORT]

    def _cause(self, error: openai.APIError) -> str:
        return self._short(str(error.__cause__ or error))


def api_key() -> str:
    """The key for servers, from the environment; "" without one.

    Raises WinnowError for what no header can hold, and does not say it.
    """
    key = os.environ.get(KEY, "").strip()
    if re.fullmatch(r"[!-~]*", key) is None:
        raise WinnowError(
            f"{KEY}: the key in this environment variable holds a blank, a line break or a "
            "character that is not ASCII; copy it anew"
        )
    return key


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


def _failure_of(error: openai.APIStatusError) -> Failure:
    response = error.response
    return failure(response.status_code, response.content, response.headers)
