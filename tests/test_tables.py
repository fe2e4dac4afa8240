"""Tables as people write them: read as they are meant, or refused with the line."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.sources.caption_text import caption_fault, clean, given_captions, listed
from winnow.sources.formats.folder import FolderSource
from winnow.sources.read import read_source
from winnow.sources.table import Fault, read_rows


def read(root: Path, name: str, content: str | bytes) -> tuple[dict[str, list[str]], list[str]]:
    """Captions by image of a table beside images 0.png to 7.png, and the reasons of rejects."""
    for i in range(8):
        (root / f"{i}.png").write_bytes(fakes.picture(i))
    path = root / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    items = list(read_source(FolderSource(images=root, metadata=path)))
    found = {item.name: item.captions for item in items if isinstance(item, Record)}
    return found, [item.reason for item in items if isinstance(item, Rejected)]


def rows_of(path: Path, content: str) -> list[tuple[str, Any]]:
    """The rows of a table with columns `name` and `text`."""
    path.write_text(content, encoding="utf-8", newline="")
    wanted = (("name",), ("text",))
    return list(read_rows(path, wanted, lambda cell: cell.endswith(".png")))


# quotes


@pytest.mark.parametrize(
    ("content", "line"),
    [
        # a quote that is never closed
        ('filepath\ttitle\n0.png\ta\n1.png\t"Runway\n2.png\tb\n3.png\tc\n', 3),
        ('filepath,title\n0.png,"a\n1.png,b\n', 2),
        # one that another stray quote closes, rows later
        ('filepath\ttitle\n0.png\t"Runway\n1.png\tb\n2.png\tthe end"\n3.png\tc\n', 2),
        ('filepath\ttitle\n0.png\t"Runway\n1.png\t"b\n', 2),
        ('filepath,title\n0.png,x\n1.png,"a\n2.png,b, and c\n3.png,d"\n4.png,e\n', 3),
        # the column of names comes last, or not first
        ('title\tfilepath\n"Runway\t0.png\nend"\t1.png\n', 2),
        ('title\tfilepath\nx\t4.png\n"Runway\t0.png\nb\t1.png\nend"\t2.png\n', 3),
        (',filepath,title\n0,0.png,"x\n1,1.png,y"\n', 2),
        ('filepath,title,scene\n0.png,"x,sea\n1.png,y",sea\n', 2),
        # junk after a quoted cell, as of quotes escaped by backslashes
        ('filepath,title\n0.png,"the \\"small\\" pond"\n', 2),
        ('filepath,title\n0.png,a\n1.png,"Runway" nine\n', 3),
    ],
)
def test_quotes_that_swallow_rows_are_named_with_their_line(
    tmp_path: Path, content: str, line: int
) -> None:
    with pytest.raises(WinnowError, match=rf"t\.csv: line {line}: .*stray") as caught:
        read(tmp_path, "t.csv", content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_captions_with_quotes_delimiters_and_line_breaks_stay_whole(
    tmp_path: Path, delimiter: str
) -> None:
    captions = [
        'a "small", blue; pond | here',
        "a river,\nwith two bridges, and a boat\r\nand; a | quay\tby it",
        'the 5" pipe',
        "\u2028line\x85breaks",
    ]
    frame = pd.DataFrame({"filepath": [f"{i}.png" for i in range(4)], "title": captions})
    found, rejected = read(tmp_path, "t.csv", frame.to_csv(sep=delimiter, index=False))
    assert not rejected
    assert [clean(c) for (c,) in found.values()] == [clean(c) for c in captions]


def test_a_quote_inside_a_cell_is_a_character(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "t.tsv", 'filepath\ttitle\n0.png\ta 5" pipe\n1.png\tends in "\n')
    assert found == {"0.png": ['a 5" pipe'], "1.png": ['ends in "']}


def test_a_line_break_outside_quotes_tears_no_caption(tmp_path: Path) -> None:
    content = "filepath,title\n0.png,a river\nwith two bridges\n1.png,b\n2.png,c\nand, d\n,e\n"
    found, rejected = read(tmp_path, "t.csv", content)
    assert found == {"1.png": ["b"]}
    assert rejected == [
        "row may go on in the next line",
        "no such file",
        "row may go on in the next line",
        "no such file",
        "row without a file name",
    ]
    with pytest.raises(WinnowError, match=r"line 2: a carriage return stands outside quotes"):
        read(tmp_path, "t.csv", "filepath,title\n0.png,a river\rand a boat\n1.png,b\n")


def test_a_comma_outside_quotes_does_not_cut_a_caption(tmp_path: Path) -> None:
    found, rejected = read(tmp_path, "t.csv", "filepath,title\n0.png,a pond, a boat\n1.png,b,,\n")
    assert found == {"1.png": ["b"]}
    assert rejected == ["row has more cells than the header"]


# headers, encodings, kinds


@pytest.mark.parametrize(
    "content",
    [
        "Filename,Caption\n0.png,a pond\n",
        "filename, title\n0.png, a pond\n",
        "filename;title\n0.png;a pond\n",
        "\ufefffilename\ttitle\n0.png\ta pond\n",
        ",filepath,title\n0,0.png,a pond\n",
        "filename,title\r0.png,a pond\r",
        "filename,title\r\n\r\n0.png,a pond\r\n",
        "filename,title,text\n0.png,a pond,\n",
        "filename,title,text\n0.png,a pond, a  pond\n",
        "filename,title,split,label\n0.png,a pond,nan,NaN\n",
        'filename,title\n0.png, "a pond"\n',
        '{"file_name": "0.png", "text": "a pond"}\n',
        '{"File_Name": "0.png", "captions": ["a pond"]}\n',
        '{"file_name": "0.png", "text": null, "caption": "a pond", "title": NaN}\n',
        '{"file_name": "0.png", "text": "", "caption": "a pond"}\r\n',
        '[{"file_name": "0.png", "text": "a pond"}]',
        ' [\n {"file_name": "0.png",\n "text": "a pond"}\n]\n',
        '{\n "file_name": "0.png",\n "text": "a pond"\n}\n',
    ],
)
@pytest.mark.parametrize("name", ["METADATA.JSONL", "captions.csv", "captions.txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_a_table_holds_decides_how_it_is_read(
    tmp_path: Path, content: str, name: str, encoding: str
) -> None:
    found, rejected = read(tmp_path, name, content.lstrip("\ufeff").encode(encoding))
    assert not rejected and list(found) == ["0.png"]
    assert list(map(clean, found["0.png"])) == ["a pond"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file_name,text\n0.png,x\n1.png,café\n".encode("latin-1"), "line 3: not UTF-8"),
        ("file_name,text\n0.png,x\n".encode("utf-16-le"), "line 1 holds zero bytes"),
        (b"file_name,text,Text\n0.png,x,y\n", "two columns text"),
        (b"file_name|words\n0.png|x\n", "has file_name, words"),
        (b'{"image": "0.png", "text": "x"}\n', "has image, text"),
        (b'{"images": [], "annotations": []}', "has images, annotations"),
        (b'[{"file_name": "0.png"},]', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"file_name,filename,text\n0.png,1.png,x\n", "line 1: file_name and filename both name"),
        (b'{"file_name": "0.png", "filename": "1.png", "text": "x"}', "both name files"),
        (b"PAR1\x15\0", "is a Parquet file"),
        (gzip.compress(b"file_name,text\n", mtime=0), "is compressed with gzip"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not UTF-8"),
        (b"", "has none"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(WinnowError, match=r"t\.csv") as caught:
        read(tmp_path, "t.csv", content)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_cells_without_a_value_are_no_caption(tmp_path: Path) -> None:
    words = ("NaN", "nan", "None", "null", "<NA>", "")
    rows = "".join(f"{i}.png,{word}\n" for i, word in enumerate(words))
    found, rejected = read(tmp_path, "t.csv", f"filepath,title\n{rows}")
    assert not rejected and list(found.values()) == [[]] * len(words)


@pytest.mark.parametrize("quote", ["", '"'])
def test_an_endless_cell_costs_its_row_alone(tmp_path: Path, quote: str) -> None:
    content = f"filepath,title\n0.png,{quote}{'x' * 10**6}{quote}\n1.png,a pond\n"
    found, rejected = read(tmp_path, "t.csv", content)
    assert not rejected and found["1.png"] == ["a pond"]
    assert caption_fault(found["0.png"][0]) == "caption longer than 2000 characters"


def test_rejected_rows_tell_how_many_captions_they_bring(tmp_path: Path) -> None:
    rows = [
        {"text": ["a", "b"]},
        {"file_name": "0.png", "text": ["a", 3], "title": "c"},
        {"file_name": "1.png", "text": ["a", "b"], "split": "dev"},
        {"file_name": "2.png", "text": None, "split": "dev"},
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    items = list(read_source(FolderSource(images=tmp_path, metadata=path)))
    assert [item.captions for item in items if isinstance(item, Rejected)] == [2, 3, 2, 0]


# lists


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("['a pond.', 'a small pond.']", ["a pond.", "a small pond."]),
        ("""["a captain's boat", 'x']""", ["a captain's boat", "x"]),
        ("['a pond.' 'a small pond.'\n 'b']", ["a pond.", "a small pond.", "b"]),
        (' ["caf\\u00e9"] ', ["café"]),
        ("['a', nan, None]", ["a"]),
        ("[nan]", []),
        ("['机场', 'مطار']", ["机场", "مطار"]),
        ("[aerial] a pond", None),
        ("a pond ['b']", None),
        ("[]", []),
        ("( )", []),
        ("('a', 'b')", ["a", "b"]),
        ("('a',)", ["a"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("array(['u', 'v'], dtype=object)", ["u", "v"]),
        ("array(['u'\n 'v'], dtype='<U1')", ["u", "v"]),
        ('("Old" pier) and a boat (red)', None),
        ('["North" pier] with boats', None),
        ("(a pond)", None),
    ],
)
def test_listed(text: str, texts: list[str] | None) -> None:
    assert listed(text) == texts


@pytest.mark.parametrize(
    "text",
    [
        "['a', b'c']",
        "['a'] or ['b']",
        "['a', __import__('os')]",
        "['a']]",
        "['a', 'b'",
        """["a captain's boat", 'b""",
        "('a', 'b'",
        "[3, 'a']",
        "[['a', 'b']]",
        "[{'raw': 'a'}]",
        "{'raw': 'a'}",
        "array(['a', 3], dtype=object)",
        "{'raw', 'x': 3}",
    ],
)
def test_what_only_looks_like_a_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a list that cannot be read"):
        listed(text)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=1, max_size=4))
def test_lists_that_pandas_wrote_come_back(tmp_path_factory: Any, texts: list[str]) -> None:
    content = pd.DataFrame({"text": [texts, ["x"]]}).to_csv(index=False, lineterminator="\n")
    cell = list(csv.reader(io.StringIO(content, newline="")))[1][0]
    assert listed(cell) == texts
    assert listed(str(np.array(["a b", "it's", "c"]))) == ["a b", "it's", "c"]


@settings(deadline=None, max_examples=300)
@given(st.text("[]'\"\\,abc \n#(){}0", max_size=30))
def test_listed_never_raises_anything_else(text: str) -> None:
    for attempt in (text, f"['{text}']", f'["{text}"]'):
        try:
            assert listed(attempt) is None or all(isinstance(t, str) for t in listed(attempt) or ())
        except ValueError as error:
            assert "cannot be read" in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.lists(JSON, max_size=4))
def test_given_captions_are_text_or_a_reason(values: list[Any]) -> None:
    try:
        assert all(isinstance(caption, str) for caption in given_captions(values))
    except ValueError as error:
        assert str(error).startswith("captions are")


# keys


@pytest.mark.parametrize("as_list", [False, True])
def test_captions_under_one_key_twice_are_named(tmp_path: Path, as_list: bool) -> None:
    row = '{"file_name": "0.png", "text": "a", "TEXT": ["b", "c"]}'
    other = '{"file_name": "1.png", "id": 1, "id": 2, "text": "d", "x": {"y": 1, "y": 2}}'
    path = tmp_path / "t.jsonl"
    path.write_text(f"[{row},{other}]" if as_list else f"{row}\n{other}\n")
    (tmp_path / "1.png").write_bytes(fakes.picture(1))
    first, second = read_source(FolderSource(images=tmp_path, metadata=path))
    assert first == Rejected("0.png", "key text occurs twice", captions=3)
    assert isinstance(second, Record) and second.captions == ["d"]


# fuzz: no row is lost

CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(CELLS.filter(lambda t: t.strip() and listed(t) is None), min_size=1, max_size=6),
    st.sampled_from("\t,;|"),
)
def test_a_table_that_pandas_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], delimiter: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    names = [f"{i}.png" for i in range(len(texts))]
    frame = pd.DataFrame({"name": names, "text": texts})
    quoted = any("\r" in text for text in texts)  # pandas leaves lone ones outside quotes
    written = frame.to_csv(
        index=False, sep=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL if quoted else 0
    )
    rows = rows_of(path, written)
    assert [row["name"] for _, row in rows] == names
    assert [clean(row.get("text", "none")).lower() for _, row in rows] == [
        clean(text).lower() if row.get("text") else "none"
        for text, (_, row) in zip(texts, rows, strict=True)
    ]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.text('ab" ,\t', max_size=8), min_size=1, max_size=6),
    st.sampled_from("\t,"),
)
def test_stray_quotes_lose_no_row(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], delimiter: str
) -> None:
    """Rows written with no thought of quotes: each comes out, or the table is refused."""
    path = tmp_path_factory.getbasetemp() / "stray.csv"
    lines = [f"name{delimiter}text", *(f"{i}.png{delimiter}{t}" for i, t in enumerate(texts))]
    try:
        rows = rows_of(path, "\n".join(lines) + "\n")
    except WinnowError as error:
        assert "line" in str(error) and "stray" in str(error)
        return
    assert len(rows) == len(texts)
    assert all(
        isinstance(row, Fault) or row["name"] == f"{i}.png" for i, (_, row) in enumerate(rows)
    )


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([b"name,text\n", b"", b"{", b"[", b"name\ttext\r"]))
def test_any_bytes_are_rows_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(start + content)
    try:
        for place, row in read_rows(path, (("name",), ("text",)), lambda cell: cell == "a.png"):
            assert place.startswith("bytes.csv: ") and isinstance(row, dict | Fault)
    except WinnowError as error:
        assert "bytes.csv" in str(error) and "\n" not in str(error)


@settings(deadline=None)
@given(st.lists(JSON, min_size=1, max_size=5))
def test_each_json_line_is_a_row(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    lines = [json.dumps({"name": "first"}), *map(json.dumps, values)]
    assert len(rows_of(path, "\n".join(lines))) == len(lines)
