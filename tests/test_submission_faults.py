"""Submissions of any kind: all that is wrong is told at once, in a line; never a traceback."""

import io
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from winnow.command.line import main
from winnow.curation import submit
from winnow.data.errors import WinnowError
from winnow.params.submissions import CARD_BYTES, Card, read_card

CARD = {"name": "theirs", "authors": ["A"], "licence": "CC0", "description": "x", "link": None}
PAIRS = pd.DataFrame({"uid": [f"{i // 2:032x}" for i in range(8)], "caption_id": [0, 1] * 4})
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused(folder: Path, content: str | bytes | None = None) -> str:
    if content is not None:
        raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        (folder / "card.yaml").write_bytes(raw)
    with pytest.raises(WinnowError) as caught:
        submit.check_card(folder)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A submission that is as it should be."""
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(CARD))
    PAIRS.assign(score=1.5).to_parquet(tmp_path / "scores.parquet")
    return tmp_path


# cards


def test_all_faults_of_a_card_and_its_table_are_told_at_once(folder: Path) -> None:
    wrong = {"name": "../x", "authors": ["", 3], "description": "a\x1bb", "link": "ftp://x", "a": 1}
    PAIRS.assign(score="1").to_parquet(folder / "scores.parquet")
    message = refused(folder, yaml.safe_dump(wrong))
    for key in ("name: ", "authors.0: ", "authors.1: ", "licence: ", "description: ", "link: "):
        assert message.count(key) == 1, key
    assert "a: unknown key; a card has name, authors, licence, description, link" in message
    assert "column 'score' is large_string" in message and message.endswith("submit again")
    taken = {"theirs": "another one"}
    (folder / "card.yaml").write_text(yaml.safe_dump({**CARD, "authors": []}))
    with pytest.raises(WinnowError, match="name: 'theirs' is taken by another one; authors: "):
        read_card(folder / "card.yaml", taken)


def test_faults_beyond_number_are_counted(folder: Path) -> None:
    message = refused(folder, yaml.safe_dump({**CARD, "authors": [""] * 100}))
    assert "and 80 more" in message and len(message) < 4000


HOSTILE = {
    "a tag that runs code": "!!python/object/apply:os.system [touch pwned]",
    "a tag in a value": f"{yaml.safe_dump(CARD)}\nnote: !!python/name:os.system",
    "aliases that unfold": "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nauthors: [*c,*c,*c]",
    "an alias of itself": "authors: &a [*a]",
    "two documents": "---\nname: a\n---\nname: b",
    "a huge file": "#" * (CARD_BYTES + 1),
    "a NUL": "name: a\0b",
    "no text": b"\xff\xfe\x00",
    "no mapping": "- name",
    "nothing": "",
    "a path": yaml.safe_dump({**CARD, "name": "../../etc/passwd"}),
    "a format string": yaml.safe_dump({**CARD, "name": "{wildcards.scorer}"}),
    "markup": yaml.safe_dump({**CARD, "name": "<script>alert(1)</script>"}),
    "a shell": yaml.safe_dump({**CARD, "name": "$(touch pwned)"}),
    "an escape": yaml.safe_dump({**CARD, "licence": "\x1b[31mred"}),
    "a right-to-left override": yaml.safe_dump({**CARD, "authors": ["a\u202egnp.exe"]}),
    "an escape in a link": yaml.safe_dump({**CARD, "link": "https://x.org/\x1b[2J"}),
    "an escape in a key": yaml.safe_dump({**CARD, "\x1b[2Jkey\n": 1}),
    "half a character": '{"name": "\\ud800"}',
    "a long key": yaml.safe_dump({**CARD, "k" * 5000: 1}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_cards_are_refused_in_a_line(
    folder: Path,
    content: str | bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    assert len(refused(folder, content)) < 1500
    root = folder / "repository"
    (root / "submissions").mkdir(parents=True)
    (root / "Snakefile").touch()
    (root / "params.yaml").write_text((Path(__file__).parents[1] / "params.yaml").read_text())
    monkeypatch.chdir(root)
    assert main(["submit", f"--folder={folder}"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("winnow submit: ") and told.count("\n") == 1
    assert told.removesuffix("\n").isprintable() and "card.yaml" in told
    assert not list((root / "submissions").iterdir()) and not list(folder.rglob("pwned"))


WORDS = st.text(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.dates() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
CARDS = st.one_of(
    VALUES,
    st.fixed_dictionaries({}, optional={key: VALUES | st.just(CARD[key]) for key in CARD}),
    st.builds(lambda extra: {**CARD, **extra}, st.dictionaries(WORDS, VALUES, max_size=2)),
).map(lambda content: yaml.safe_dump(content, allow_unicode=True))


@FUZZ
@given(CARDS | st.text())
@example("name: 2024-13-45")
@example("[" * 3000)
@example("name: " + "9" * 5000)
@example("? [a]\n: b")
@example("<<: 1")
@example("{[1,2]: 3}")
@example("authors: !!set {a, b}")
@example("name: !!int x")
@example("link: !!timestamp 1")
def test_any_card_is_taken_or_refused_in_a_line(folder: Path, content: str) -> None:
    (folder / "card.yaml").write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        card = submit.check_card(folder)
    except WinnowError as error:
        assert "card.yaml" in str(error)
    else:
        assert isinstance(card, Card) and card.name.isidentifier()


# tables

GOOD = {
    "uid": [pa.array(PAIRS["uid"]), pa.array(PAIRS["uid"]).dictionary_encode()],
    "caption_id": [pa.array(PAIRS["caption_id"], pa.int32()), pa.array([0.0, 1.0] * 4)],
    "score": [pa.array(range(8), pa.float64()), pa.array(range(8), pa.int8())],
}
TYPES = [
    *(pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.bool_(), pa.null(), pa.string()),
    *(pa.large_string(), pa.binary(), pa.decimal128(9, 2), pa.date32(), pa.timestamp("us")),
    *(pa.list_(pa.float64()), pa.struct({"a": pa.int8()}), pa.dictionary(pa.int8(), pa.string())),
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.binary(max_size=9),
    st.sampled_from([*PAIRS["uid"], "1.5", "nan", 0, 1, math.inf]),
)  # fmt: skip


@st.composite
def columns(draw: st.DrawFn, name: str) -> pa.Array:
    """A column as it should be, one with some other values, or of another type."""
    good = draw(st.sampled_from(GOOD[name]))
    if draw(st.booleans()):
        return good
    values = good.to_pylist()
    for row in draw(st.lists(st.integers(0, 7), max_size=3)):
        values[row] = draw(SCALARS)
    try:
        return pa.array(values, draw(st.sampled_from([None, good.type, *TYPES])))
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return good


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A Parquet file: columns left out, twice or others, rows left out, twice or in any order."""
    names = draw(st.lists(st.sampled_from(["uid", "caption_id", "score", "more"]), max_size=5))
    names = names if draw(st.booleans()) else ["uid", "caption_id", "score"]
    found = [draw(columns(name if name in GOOD else "score")) for name in names]
    table = pa.Table.from_arrays(found, names)
    if names and draw(st.booleans()):
        table = table.take(pa.array(draw(st.lists(st.integers(0, 7), max_size=18)), pa.int8()))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def is_fine(path: Path) -> bool:
    """Whether it holds a finite number for each pair once, told without our own reading."""
    table: Any = pq.ParquetFile(path).read(columns=["uid", "caption_id", "score"]).to_pandas()
    if pq.read_schema(path).field("score").type == pa.bool_():
        return False
    rows = zip(table["uid"], table["caption_id"], table["score"], strict=True)
    found = {(u, int(c)): s for u, c, s in rows}
    pairs = set(PAIRS.itertuples(index=False, name=None))
    numbers = all(isinstance(s, (int, float)) or hasattr(s, "dtype") for s in found.values())
    return len(table) == len(found) and set(found) == pairs and numbers


@FUZZ
@given(tables())
def test_any_table_is_taken_or_refused_in_a_line(folder: Path, content: bytes) -> None:
    path = folder / "scores.parquet"
    path.write_bytes(content)
    refusals = []
    for check in (lambda: submit.check_card(folder), lambda: submit.check_table(folder, PAIRS)):
        try:
            check()
        except WinnowError as error:
            refusals.append(str(error))
    assert all("scores.parquet" in told and len(told) < 2000 for told in refusals)
    assert refusals or is_fine(path)


@FUZZ
@given(st.integers(0, 4000), st.binary(max_size=8), st.integers(0, 8))
def test_any_bytes_are_taken_or_refused(folder: Path, place: int, put: bytes, out: int) -> None:
    path = folder / "scores.parquet"
    PAIRS.assign(score=1.5).to_parquet(path)
    whole = path.read_bytes()
    place %= len(whole)
    path.write_bytes(whole[:place] + put + whole[place + out :])
    try:
        assert submit.check_table(folder, PAIRS) is None
    except WinnowError as error:
        assert "scores.parquet" in str(error)


def test_what_is_fine_is_taken(folder: Path) -> None:
    assert submit.check_table(folder, PAIRS) is None and is_fine(folder / "scores.parquet")
