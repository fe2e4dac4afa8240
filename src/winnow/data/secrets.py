"""Keys and passwords stay out of what is printed and recorded."""

import re
from typing import Any

HIDDEN = "***"
_NAMES = (
    r"api[_-]?key|password|passwd|secret|authori[sz]ation|credentials?|(?:access|auth)[_-]?token"
)
_NAME = re.compile(_NAMES, re.I)
_USER = re.compile(r"(?<=://)[^\s'\"]*@")  # and what follows it, up to the last @
_QUERY = re.compile(
    r"(?<=[?&])((?:[\w-]*key|[\w-]*token|sig|signature|password|secret)=)[^&\s'\"]+", re.I
)
_VALUE = re.compile(rf"((?:{_NAMES})['\"]?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,}}'\"]+)", re.I)
_BEARER = re.compile(r"(\bbearer\s+)[^\s,'\"]+", re.I)
_HEADER = re.compile(r"(header (?:name|value)\s+).*", re.I | re.S)  # as HTTP libraries quote it


def is_secret(name: str) -> bool:
    """Whether what has this name is a key or a password."""
    return _NAME.search(name) is not None


def redacted(text: str, key: str = "") -> str:
    """`text` without passwords in addresses, values of names that are secret, and `key`."""
    if key:
        text = text.replace(key, HIDDEN)
    text = _USER.sub(f"{HIDDEN}@", text)
    for pattern in (_QUERY, _HEADER, _BEARER, _VALUE):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def shown(value: Any, name: str) -> str:
    """The value of a setting of this name, as a message may quote it."""
    return HIDDEN if is_secret(name) else redacted(repr(value))
