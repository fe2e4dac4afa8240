"""What a server sends back: a chat completion, or why there is none."""

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from winnow.captioning.request_queue import Reply

_NOT_JSON, _NO_MESSAGE, _NO_TEXT = "not JSON", "no message", "no text"
LONGEST = 50_000  # characters of an answer, thoughts among it or beside it
WORDS = 2000  # characters of what an error says
_WORDS = ("message", "msg", "detail", "error", "error_description", "title", "errors")
# As `code` or `type`; words alone are also those of a limit that is over in a minute.
_SPENT = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
    "insufficient_funds",
    "insufficient_credits",
    "payment_required",
    "exceeded_current_quota_error",
    "account_deactivated",
}
# Words that say so where a key is refused (401, 403): no limit is told in that way.
_SPENT_WORDS = re.compile(
    r"(?:insufficient|not enough|no (?:more |remaining )?|(?:ran|run|are|is) out of|low|negative)"
    r"\W+(?:\w+\W+){0,2}?(?:balance|funds|credits?|quota)\b"
    r"|\b(?:balance|funds|credits?|quota)\W+(?:(?:is|are|has|have|been|too|fully)\W+)*"
    r"(?:insufficient|not enough|low|exhausted|depleted|used up|exceeded|negative|empty|zero)"
    r"|exceeded your (?:\w+ )?quota|arrears|overdue|top[ -]?up\b"
    r"|\u4f59\u989d\u4e0d\u8db3|\u6b20\u8d39",
    re.I,
)
_NO_MODEL = {"model_not_found", "invalid_model", "unknown_model", "model_not_supported"}
# About what one request holds, be its status what it may.
_CONTENT = re.compile(
    r"context.{0,8}(?:length|window)|content[ _-](?:filter|policy|management)|moderation|flagged"
    r"|safety|(?:image|file|payload|prompt|input|request)\b.{0,40}\btoo (?:large|long|big|small)",
    re.I,
)
_UNWANTED = re.compile(
    r"not.{0,9}\b(?:support|permit|allow|recogni[sz]e|accept|valid)|unsupported|unrecogni[sz]ed"
    r"|unknown|unexpected|extra (?:inputs|fields)|invalid|deprecated|must be|out of range|only",
    re.I,
)
_PASSING = {0, 408, 409, 425, 429}  # and 5xx but for these:
_LASTING = {501, 505}


@dataclass(frozen=True)
class Failure:
    """A request without a reply."""

    status: int  # of HTTP, or the code in its place; 0: no answer came
    words: str  # the server's, or what happened
    codes: frozenset[str] = frozenset()  # `code` and `type`, lower-case
    fields: frozenset[str] = frozenset()  # of the request, that the server names
    wait: float | None = None  # seconds, as `Retry-After` says
    again: bool | None = None  # what the server says on sending it again

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered later."""
        if self.again is not None:
            return self.again
        return self.status in _PASSING or (self.status >= 500 and self.status not in _LASTING)

    @property
    def spent(self) -> bool:
        """Whether the account has nothing left."""
        if self.status == 402 or self.codes & _SPENT:
            return True
        return self.status in (401, 403) and _SPENT_WORDS.search(self.words) is not None

    @property
    def of_content(self) -> bool:
        """Whether it is about what this one request holds."""
        return any(map(_CONTENT.search, (self.words, *self.codes)))

    @property
    def of_model(self) -> bool:
        """Whether the address or the model is not there."""
        return self.status in (404, 405, 501) or bool(self.codes & _NO_MODEL)

    def refused(self, names: list[str]) -> str:
        """The one of `names`, fields of every request, that the server does not take, or ""."""
        if self.passing or self.of_content or not 400 <= self.status < 500:
            return ""
        for name in names:
            if name in self.fields:
                return name
        if not _UNWANTED.search(self.words):
            return ""
        return next(
            (n for n in names if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", self.words)), ""
        )


def read_completion(body: bytes) -> Reply | Failure:
    """The first choice of a chat completion. What is malformed may be better the next time.

    A text may come in parts; thoughts and a refusal may stand beside it. An error may come with
    the status 200: then it is a Failure.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return _malformed(_NOT_JSON)
    choices = content.get("choices") if isinstance(content, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    for holder in (choice, content):
        if isinstance(holder, dict) and holder.get("error"):
            return failure(200, holder)
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return _malformed(_NO_MESSAGE)
    text, thought, refusal = _parts(message.get("content"))
    beside = [message.get(name) for name in ("reasoning_content", "reasoning")]
    thought = thought or next((t for t in beside if isinstance(t, str) and t.strip()), "")
    declined, reason = message.get("refusal"), choice.get("finish_reason")
    refusal = refusal or (declined.strip() if isinstance(declined, str) else "")
    if reason == "content_filter":
        refusal = refusal or reason
    if text is None and not thought and not refusal:
        return _malformed(_NO_TEXT)
    if max(len(text or ""), len(thought), len(refusal)) > LONGEST:
        return Reply(fault=f"longer than {LONGEST} characters")
    return Reply(text or "", cut=reason == "length", thought=thought, refusal=refusal)


def failure(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Failure:
    """What a body that is no completion says; `body` is JSON, or the bytes of it."""
    headers = headers or {}
    if isinstance(body, bytes):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            body = body.decode(errors="replace")
    parts = list(_flat(body))
    given = [part.get(key) for part in parts for key in ("code", "type")]
    codes = [str(code) for code in given if isinstance(code, str | int)]
    if status == 200:
        numbers = [int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)]
        known = 402 if _SPENT & {*map(str.lower, codes)} else 500
        status = numbers[0] if numbers else known
    again = {"true": True, "false": False}.get(headers.get("x-should-retry", ""))
    return Failure(
        status,
        _words(body)[:WORDS],
        frozenset(code.lower() for code in codes),
        frozenset(field for part in parts for field in _fields(part)),
        wait_of(headers),
        again,
    )


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `Retry-After` (seconds or a date of HTTP); None where it says none."""
    try:
        if "retry-after-ms" in headers:
            wait = float(headers["retry-after-ms"]) / 1000
        elif (said := headers.get("retry-after", "")).strip()[:1].isalpha():
            wait = parsedate_to_datetime(said).timestamp() - time.time()
        else:
            wait = float(said)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return wait if math.isfinite(wait) and wait > 0 else None


def _malformed(what: str) -> Reply:
    return Reply(fault=f"malformed reply ({what})")


def _parts(content: Any) -> tuple[str | None, str, str]:
    """Text, thoughts and refusal of a message's content, which is a text or a list of parts."""
    if isinstance(content, str):
        return content, "", ""
    found: dict[str, list[str]] = {"text": [], "thought": [], "refusal": []}
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            found["text"].append(part)
        elif isinstance(part, dict):
            kind = str(part.get("type", "text"))
            given = part.get("refusal" if kind == "refusal" else "text")
            if kind in ("thinking", "reasoning"):
                found["thought"].append(kind)
            elif isinstance(given, str):
                found["refusal" if kind == "refusal" else "text"].append(given)
    text = "".join(found["text"]) if found["text"] else None
    return text, " ".join(found["thought"]), " ".join(found["refusal"])


def _flat(body: Any, depth: int = 4) -> Any:
    """The mappings in an error, outermost first."""
    if depth and isinstance(body, list):
        for part in body[:20]:
            yield from _flat(part, depth - 1)
    elif depth and isinstance(body, dict):
        yield body
        for name in ("error", "errors", "detail"):
            yield from _flat(body.get(name), depth - 1)


def _fields(error: Mapping[str, Any]) -> list[str]:
    """The fields of the request that an error names: `param` of OpenAI, `loc` of FastAPI."""
    place = error.get("loc")
    names = [error.get("param"), *(place if isinstance(place, list) else ())]
    return [name.partition(".")[0] for name in names if isinstance(name, str)]


def _words(body: Any, depth: int = 6) -> str:
    """The words in an error, whatever holds them."""
    if isinstance(body, str):
        return body
    if not depth:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (_words(part, depth - 1) for part in body[:5])))
    if not isinstance(body, dict):
        return ""
    for name in _WORDS:
        if said := _words(body.get(name), depth - 1):
            place = body.get("loc")
            where = ".".join(map(str, place)) if isinstance(place, list) else ""
            return f"{where}: {said}" if where else said
    return ""
