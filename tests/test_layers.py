"""Parameters of several files and the command line: which wins, and what an error says of each."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.data.errors import WinnowError
from winnow.data.yaml_file import DEPTH, parse_yaml
from winnow.params.layers import Joined, given_layers, join
from winnow.params.load import read, resolve
from winnow.params.model import Params
from winnow.sources.required_paths import require_paths

ROOT = Path(__file__).parents[1]
BASE = ROOT / "params.yaml"
TREE = read(BASE)


def joined(folder: Path, *files: str, words: tuple[str, ...] = ()) -> Joined:
    """params.yaml under files with these texts, a.yaml, b.yaml, and the command line."""
    paths = [folder / f"{'ab'[number]}.yaml" for number in range(len(files))]
    for path, text in zip(paths, files, strict=True):
        path.write_text(text, encoding="utf-8")
    return join(given_layers([BASE, *paths], words))


def resolved(folder: Path, *files: str, words: tuple[str, ...] = ()) -> Params:
    return resolve(joined(folder, *files, words=words), ROOT)


def refusal(folder: Path, *files: str, words: tuple[str, ...] = ()) -> str:
    with pytest.raises(WinnowError) as caught:
        resolved(folder, *files, words=words)
    return str(caught.value)


# what wins


@pytest.mark.parametrize(
    ("files", "words", "seen"),
    [
        ((), ("scale=smoke",), 512),  # the scale over the rest of params.yaml
        (("contrastive: {samples_seen: 7}",), ("scale=smoke",), 7),  # a file over the scale
        (("{scale: smoke, contrastive: {samples_seen: 7}}",), (), 7),
        (("contrastive: {samples_seen: 7}", "contrastive: {samples_seen: 8}"), (), 8),
        (
            ("contrastive: {samples_seen: 7}\nscales: {smoke: {contrastive: {samples_seen: 9}}}",),
            ("scale=smoke",),
            9,  # its own scale over the rest of a file
        ),
        (
            ("scales: {smoke: {contrastive: {samples_seen: 9}}}", "contrastive: {samples_seen: 8}"),
            ("scale=smoke",),
            8,
        ),
        (("scales: {smoke: {contrastive: {samples_seen: 9}}}",), (), 2400),  # another scale's
        (
            ("{scale: smoke, contrastive: {samples_seen: 7}}",),
            ("contrastive={samples_seen: 6}",),
            6,  # the command line over all
        ),
        ((), ("scale=smoke", "scale=paper"), 4000000),
        (("scale: smoke",), ("scale=mini",), 2400),
    ],
)
def test_what_comes_later_wins(
    tmp_path: Path, files: tuple[str, ...], words: tuple[str, ...], seen: int
) -> None:
    found = resolved(tmp_path, *files, words=words).contrastive
    assert found.samples_seen == seen
    assert found.warmup == TREE["contrastive"]["warmup"]  # what nobody names stays


def test_a_published_model_of_a_scale_leaves_nothing_in_ones_own(tmp_path: Path) -> None:
    mine = """
        scale: paper
        models:
          clip: {loader: open_clip, id: ViT-B-32, pretrained: mine.pt}
          domain_clip: {loader: open_clip, id: ViT-B-16}
          mllm: {loader: openai, id: mine, url: "http://localhost:1/v1"}
          geo_rssd: {loader: diffusers, id: mine/other}
          siglip: {loader: standin}
          llm: {revision: abc}
        """
    models = resolved(tmp_path, mine).models
    assert (models["clip"].id, models["clip"].pretrained) == ("ViT-B-32", "mine.pt")
    assert (models["domain_clip"].id, models["domain_clip"].pretrained) == ("ViT-B-16", None)
    assert (models["mllm"].loader, models["mllm"].id) == ("openai", "mine")
    assert models["geo_rssd"].subfolder is None
    assert models["siglip"].id is None
    # without a word on what it is, an entry changes what stands there
    assert (models["llm"].id, models["llm"].revision) == ("Qwen/Qwen2.5-7B-Instruct", "abc")
    assert models["t2i"].loader == "diffusers"  # the scale's, of which the file says nothing
    assert "`pretrained` belongs" in refusal(tmp_path, "models: {clip: {pretrained: mine.pt}}")


@pytest.mark.parametrize(
    ("first", "second", "key", "expected"),
    [
        (
            "source: {kind: folder, images: a, metadata: b.csv, limit: 3}",
            "source: {kind: folder, images: c, metadata: d.csv}",
            "source",
            {"kind": "folder", "images": "c", "metadata": "d.csv"},
        ),
        (
            "source: {kind: folder, images: a, metadata: b.csv}",
            "source: {limit: 3}",
            "source",
            {"kind": "folder", "images": "a", "metadata": "b.csv", "limit": 3},
        ),
        ("captions: {noise: {count: 0.1}}", "captions: {noise: {}}", "captions.noise", {}),
        (
            "captions: {noise: {count: 0.1}}",
            "captions: {noise: {generic: 0.2}}",
            "captions.noise",
            {"generic": 0.2},
        ),
        (
            "scorers: {mine: {use: clip, model: clip, threshold: 0.2}}",
            "scorers: {mine: {scores: mine.parquet}}",
            "scorers.mine",
            {"scores": "mine.parquet"},
        ),
        (
            "scorers: {mine: {use: clip, model: clip}}",
            "scorers: {mine: {threshold: 0.2}}",
            "scorers.mine",
            {"use": "clip", "model": "clip", "threshold": 0.2},
        ),
        (
            "generation: {baselines: {mine: {model: crs_diff}}}",
            "generation: {baselines: {mine: {images: theirs}}}",
            "generation.baselines.mine",
            {"images": "theirs"},
        ),
        ("zeroshot: {folders: {a: b}}", "zeroshot: {folders: {}}", "zeroshot.folders", {}),
        ("scorers: {mine: {use: text}}", "scorers: {mine: null}", "scorers.mine", None),
        (
            "annotations: {mask_classes: {1: road}}",
            "annotations: {mask_classes: {2: roof}}",
            "annotations.mask_classes",
            {"2": "roof"},
        ),
    ],
)
def test_entries_that_say_what_they_are_replace_others(
    tmp_path: Path, first: str, second: str, key: str, expected: Any
) -> None:
    for found in (joined(tmp_path, first, second), joined(tmp_path, first, words=_words(second))):
        value: Any = found.tree
        for part in key.split("."):
            value = value[part]
        assert value == expected


def _words(text: str) -> tuple[str, ...]:
    key, _, value = text.partition(": ")
    return (f"{key}={value}",)


@pytest.mark.parametrize("how", ["file", "scale", "command line"])
def test_an_empty_mapping_empties_wherever_it_stands(tmp_path: Path, how: str) -> None:
    text = {"file": "captions: {noise: {}}", "scale": "scales: {mini: {captions: {noise: {}}}}"}
    files = [text[how]] if how in text else []
    words = ("captions={noise: {}}",) if how not in text else ()
    assert resolved(tmp_path, *files, words=words).captions.noise == {}


def test_null_on_the_command_line_leaves_an_entry_out(tmp_path: Path) -> None:
    assert "text" not in resolved(tmp_path, words=("scorers={text: null}",)).scorers


def test_layers_are_left_alone(tmp_path: Path) -> None:
    layers = given_layers([BASE], ["captions={noise: {}}", "scale=smoke"])
    before = copy.deepcopy(layers)
    join(layers)
    assert layers == before


# numbers, as YAML and people write them


@pytest.mark.parametrize("number", ["1e-5", "1.0e-5", "1E-5", ".1e-4", "0.00001"])
def test_numbers_are_numbers_however_they_are_written(tmp_path: Path, number: str) -> None:
    text = f"contrastive: {{learning_rate: {number}, samples_seen: 4e6}}"
    for found in (resolved(tmp_path, text), resolved(tmp_path, words=_words(text))):
        assert found.contrastive.learning_rate == pytest.approx(1e-5)
        assert found.contrastive.samples_seen == 4_000_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ratio: '0.5'", "without quotes it is one"),
        ("contrastive: {batch_size: '64'}", "without quotes it is one"),
        ("score_model: {seeds: ['0']}", "without quotes it is one"),
        ("segmentation: {pretrained: 'true'}", "without quotes it is one"),
        ("segmentation: {pretrained: 1}", "boolean"),
        ("ratio: true", "number"),
        ("contrastive: {batch_size: 64.5}", "integer"),
        ("contrastive: {batch_size: yes}", "integer"),
        ("folder: 7", "string"),
    ],
)
def test_no_type_is_taken_for_another(tmp_path: Path, text: str, told: str) -> None:
    assert told in refusal(tmp_path, text)
    assert told in refusal(tmp_path, words=_words(text))


# who is told of what is wrong

NUMBERED = """# a remark
scale: mini
pool:
  shard_size: 0

source:
  kind: classes
  imags: here
scales:
  mini:
    site: { samples: many }
"""


def test_each_error_names_its_file_and_line(tmp_path: Path) -> None:
    words = ("ratio=2", "sweep={seeds: [a]}")
    lines = refusal(tmp_path, NUMBERED, "\nscoring:\n  sed: 1\n", words=words).splitlines()
    expected = [
        f"{tmp_path}/a.yaml:4: pool.shard_size: Input should be greater than 0 (is 0)",
        f"{tmp_path}/a.yaml:6: source.classes.images: is missing",
        f"{tmp_path}/a.yaml:8: source.classes.imags: unknown key (is 'here') "
        "(did you mean 'images'?); allowed are reference, ",
        f"{tmp_path}/a.yaml:11: site.samples: Input should be a valid integer (is 'many')",
        f"{tmp_path}/b.yaml:3: scoring.sed: unknown key (is 1) (did you mean 'seed'?); allowed",
        "the command line: ratio: Input should be less than or equal to 1 (is 2)",
        "the command line: sweep.seeds.0: Input should be a valid integer (is 'a')",
    ]
    assert len(lines) == len(expected)
    for start in expected:
        assert [line for line in lines if line.startswith(start)], (start, lines)


def test_what_holds_between_sections_is_told_where_it_was_given(tmp_path: Path) -> None:
    told = refusal(tmp_path, "ratio: 0.5\nsweep:\n  scorers: [clp]\n")
    assert told.startswith(f"{tmp_path}/a.yaml:3: sweep.scorers: unknown scorer 'clp' (did you")
    told = refusal(tmp_path, "scorers:\n  mine:\n    use: rotatoin\n    model: clip\n")
    assert told.startswith(f"{tmp_path}/a.yaml:2: scorers.mine: 'rotatoin' is no built-in scorer")
    assert "did you mean 'rotation'?" in told
    told = refusal(tmp_path, "scale: paper\nmodels:\n  mllm: {loader: openai, id: x}\n")
    assert told.startswith(f"{tmp_path}/a.yaml:3: models.mllm: `url` belongs to the loader openai")


def test_params_yaml_is_named_for_what_stands_there(tmp_path: Path) -> None:
    """As where a file asks for what only another can have."""
    told = refusal(tmp_path, "scorers: {siglip: null}", words=("sweep={scorers: [siglip]}",))
    assert told.startswith("the command line: sweep.scorers: unknown scorer 'siglip'")
    broken = tmp_path / "params.yaml"
    broken.write_text(BASE.read_text().replace("shard_size: 1000", "shard_size: 0"))
    with pytest.raises(WinnowError, match=r"params\.yaml:\d+: pool\.shard_size: .*greater than 0"):
        resolve(join(given_layers([broken])), ROOT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scale: mini\nscale: smoke\n", "line 2: 'scale' is there already, in line 1"),
        ("models:\n  clip: {loader: standin}\n  llm: {}\n  clip: {}\n", "in line 2"),
        ("pool: {shard_size: 1, shard_size: 2}", "'shard_size' is there already"),
        ("ratio: 0.5\npool: [1\n", "line 3: "),
        ("ratio: 0.5\n\tpool: 1\n", "line 2: "),
        ("a: b: c", "line 1: mapping values are not allowed"),
        ("ratio: 1\n--- \nratio: 2\n", "line 2: expected a single document"),
        ("a: \x00", "line 1: the character '\\x00' cannot stand in a text"),
        ("a: 2024-13-45", "line 1: '2024-13-45' is no timestamp"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: could not determine a constructor"),
        ("a: &a [*a]", f"nested more than {DEPTH} deep"),
        ("a: " + "[" * 100_000, f"nested more than {DEPTH} deep"),
        ("? [a]\n: 1", "line 1: a key is one word"),
        ("- 1\n- 2\n", "expected keys and values, found list"),
        ("", "expected keys and values, found NoneType"),
        ("false: 1\n", ":1: the key False is no word"),
        ('folder: "\\0"\n', ":1: folder: "),
    ],
)
def test_what_is_no_parameters_is_refused_by_line(tmp_path: Path, text: str, told: str) -> None:
    found = refusal(tmp_path, text)
    assert found.startswith(f"{tmp_path}/a.yaml") and told in found
    assert "\n" not in found


def test_aliases_without_end_are_refused(tmp_path: Path) -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for old, new in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]")
    assert "too many values" in refusal(tmp_path, "\n".join(lines))


def test_aliases_and_merge_keys_are_taken(tmp_path: Path) -> None:
    text = "pool: &p {shard_size: 7}\nscoring: {<<: {seed: 3}, batch_size: 5}\n"
    found = resolved(tmp_path, text)
    assert (found.pool.shard_size, found.scoring.seed, found.scoring.batch_size) == (7, 3, 5)


def test_files_that_are_not_there_or_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match=r"none\.yaml: no such file"):
        given_layers([tmp_path / "none.yaml"])
    with pytest.raises(WinnowError, match="cannot be read"):
        given_layers([tmp_path])
    (tmp_path / "latin.yaml").write_bytes("ratio: 1\nfolder: été\n".encode("latin-1"))
    with pytest.raises(WinnowError, match=r"latin\.yaml: not valid YAML \(line 2: no text in UTF"):
        given_layers([tmp_path / "latin.yaml"])


def test_what_a_run_reads_must_be_there(tmp_path: Path) -> None:
    text = (
        "source: {kind: folder, images: nowhere, metadata: none.csv}\n"
        "scorers:\n  mine: {scores: none.parquet}\n"
    )
    found = joined(tmp_path, text)
    params = resolve(found, tmp_path)
    with pytest.raises(WinnowError) as caught:
        require_paths(params, found)
    for place, name in (
        ("a.yaml:1: source.images", "nowhere"),
        ("a.yaml:1: source.metadata", "none.csv"),
        ("a.yaml:3: scorers.mine.scores", "none.parquet"),
    ):
        told = f"{tmp_path}/{place}: {name}: no such file or folder; put it there"
        assert told in str(caught.value)
    shards = joined(tmp_path, "source: {kind: webdataset, shards: 'none-{0..3}.tar'}")
    with pytest.raises(WinnowError, match=r"a\.yaml:1: source\.shards: nothing matches"):
        require_paths(resolve(shards, ROOT), shards)


# any file

words_ = st.sampled_from(["kind", "loader", "scale", "mini", "clip", "none", "terrarium", "a", "1"])
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | words_
)
keys = words_ | st.text(max_size=8) | st.integers() | st.none() | st.booleans()
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def places(tree: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else ()
    inner = enumerate(tree) if isinstance(tree, list) else inner
    below = [found for key, value in inner for found in places(value, (*place, key))]
    return [place, *below] if place else below


PLACES = places(TREE)


def only_refuses(tree: Any) -> None:
    try:
        assert isinstance(resolve(tree, ROOT), Params)
    except WinnowError as error:
        assert str(error)


@settings(max_examples=60, deadline=None)
@given(tree=trees)
def test_any_tree_resolves_or_is_refused(tree: Any) -> None:
    only_refuses(tree)
    if isinstance(tree, dict):
        only_refuses({**TREE, **tree})


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(PLACES), value=trees, scale=st.sampled_from(["smoke", "paper"]))
@example(place=("source",), value={"kind": "folder", 1: 2}, scale="smoke")
@example(place=("source",), value={"kind": "classes", "images": "a" * 300}, scale="smoke")
@example(
    place=("source",),
    value={"kind": "classes", "images": "a", "scene_pattern": "(a{99999999999})"},
    scale="smoke",
)
def test_params_yaml_with_anything_in_any_place(
    place: tuple[Any, ...], value: Any, scale: str
) -> None:
    tree = copy.deepcopy({**TREE, "scale": scale})
    node: Any = tree
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = value
    only_refuses(tree)


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab:-[]{}?&*!|>'\"#%@`,. \n\t01e~<\\ü\x00\ud83d")))
@example("!!int ''")
@example("a: !!binary x")
def test_any_text_is_yaml_or_refused(text: str) -> None:
    try:
        parse_yaml(text, "name")
    except WinnowError as error:
        assert str(error).startswith("name: not valid YAML (") and "\n" not in str(error)


@settings(max_examples=60, deadline=None)
@given(tree=trees.filter(lambda tree: isinstance(tree, dict)))
def test_lines_are_where_the_keys_stand(tree: dict[Any, Any]) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    try:
        content, lines = parse_yaml(text)
    except WinnowError:  # a text that looks like a number of YAML 1.2
        return
    assert {key for key in content if isinstance(key, str)} <= {place[0] for place in lines}
    for place, line in lines.items():
        assert 1 <= line <= len(text.splitlines()), (place, text)
