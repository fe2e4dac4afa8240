"""The site as files: what is in it, what is escaped, and what is refused."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from PIL import Image
from report_helpers import contents
from site_helpers import EVIL, IMAGE, PAIRS, Run, uid, write_card, write_run

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import write_json
from winnow.data.images import encode_png
from winnow.data.tables import CAPTIONS, LEAKS, SCORES, SUBSET, read_table, write_table
from winnow.reporting.emit.data import page_data
from winnow.reporting.settings import SiteSettings
from winnow.reporting.site import markup, samples, thumbnail_sheets
from winnow.reporting.site.build import build
from winnow.reporting.site.generated_gallery import spread_over_scenes
from winnow.reporting.table import Cell, Column, Interval, Table
from winnow.reporting.table import Image as Figure
from winnow.reporting.values import PERCENT, Value

TABLES = ("index", "claims", "papers", "leakage")
WITH_SCRIPTS = ("curves", "samples", "gallery", "cells")
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def site(run):
    return run.site()


@pytest.fixture
def copy(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("site", "again"))
    return Run(tmp_path / "run")


def data(site, name):
    """What a script hands to the pages."""
    script = (site / f"data/{name}.js").read_text(encoding="utf-8")
    found = re.fullmatch(r"winnow\.receive\((\"[^\"]+\"),(.*)\);\n", script, re.DOTALL)
    assert json.loads(found[1]) == name
    return json.loads(found[2])


class Page(HTMLParser):
    """The elements, links and text of a page."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.links, self.attributes, self.text = [], [], [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, text):
        self.text += text


def pages(site):
    return {path.stem: Page(path) for path in sorted(site.glob("*.html"))}


def test_has_a_page_for_each_thing_and_every_link_leads_somewhere(site):
    found = pages(site)
    assert set(found) == {*TABLES, *WITH_SCRIPTS}
    for name, page in found.items():
        for link in page.links:
            place = link.partition("#")[0]
            assert "://" not in link, name
            assert not place or (site / place).is_file(), f"{name}: {link}"


def test_asks_no_network_and_runs_nothing_inline(site):
    for page in pages(site).values():
        assert not [name for name in page.attributes if name.startswith("on")]
        assert "style" not in page.tags
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|fetch\(|innerHTML|eval\(|document\.write", text), path


def test_markup_in_captions_names_and_reasons_stays_text(site):
    for name, page in pages(site).items():
        scripts = 2 if name in WITH_SCRIPTS else 1
        assert page.tags.count("script") == scripts, name
        assert "onerror" not in page.attributes
    assert IMAGE in pages(site)["index"].text
    assert EVIL in pages(site)["claims"].text
    assert EVIL in pages(site)["papers"].text
    assert EVIL in pages(site)["leakage"].text
    for script in (site / "data").iterdir():
        assert "<" not in script.read_text(encoding="utf-8"), script
    assert EVIL in data(site, "samples-0")["text"][7]


def test_leaderboard_tells_values_intervals_and_what_did_not_run(run, site):
    text = pages(site)["index"].text
    assert run.shown("domain_clip", 0.3) in text
    assert "not in this sweep" in text
    page = (site / "index.html").read_text(encoding="utf-8")
    link = "samples.html#captions=raw&amp;scorer=domain_clip&amp;ratio=0.3"
    assert f'<a href="{link}">30 %</a>' in page
    assert "scorer=none" not in page  # what keeps everything has nothing to show
    assert page.count('<tr class="struck"') == 3  # in two measures, and side by side
    assert '<a class="chip bad" href="leakage.html">3 leaking pairs</a>' in page


def test_the_leaderboard_says_who_submitted_what(site, copy):
    assert "Submissions" not in pages(site)["index"].text
    path = write_card(copy.folder / "submissions/theirs/card.yaml")
    shown = pages(copy.site())["index"]
    (told,) = re.findall(r"Submissions\s*(theirs.*)", shown.text, re.DOTALL)
    assert f"A | B, {EVIL}. Licence: *any* | [x](y)." in told
    assert f"a `b` _c_\n\n# no heading\n{EVIL}" in told
    assert shown.tags.count("script") == 1 and "onerror" not in shown.attributes
    page = (copy.folder / "site/index.html").read_text(encoding="utf-8")
    link = "https://x.org/%7C)%60*a_b"
    assert f'<a href="{link}" rel="noopener">{link}</a>' in page
    write_card(path, link="javascript:alert(1)")
    with pytest.raises(WinnowError, match=r"card.yaml: link"):
        copy.site()


def test_curves_leave_out_what_is_struck_out(site):
    chart, _ = data(site, "curves")
    ratios = {line["scorer"]: [point[0] for point in line["points"]] for line in chart["lines"]}
    assert ratios == {"domain_clip": [0.3, 0.5], "clip": [0.3], "random": [0.3]}
    assert [level["scorer"] for level in chart["levels"]] == ["none"]


@pytest.mark.parametrize("scale", ["mini", "paper"])
def test_the_first_page_names_the_stand_ins_whatever_the_scale(run, scale):
    assert f"Scale {scale}." in pages(run.site(f"{scale}-real", scale=scale))["index"].text
    told = pages(run.site(scale, scale=scale, standins=["clip", "<t2i>"]))["index"].text
    assert f"Scale {scale} with stand-ins, whose numbers compare" in told
    assert "only: clip, <t2i>." in told


@pytest.mark.parametrize(
    ("noise", "told"), [({}, "No noise was added"), ({"count": 0.1}, "known kind: count 10 %.")]
)
def test_the_first_page_says_what_was_done_to_the_captions(run, noise, told):
    found = pages(run.site(f"noise-{len(noise)}", noise=noise))["index"].text
    assert told in found and "people's captions" in found


def test_points_of_curves_tell_what_the_tables_tell(run, site):
    chart, _ = data(site, "curves")
    (line,) = (line for line in chart["lines"] if line["scorer"] == "domain_clip")
    assert [point[4] for point in line["points"]] == [
        run.shown("domain_clip", ratio) for ratio in (0.3, 0.5)
    ]
    assert chart["levels"][0]["value"][3] == run.shown("none", 1.0)


def test_side_by_side_a_struck_row_says_why_in_words(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    shown = page.split('data-board="board-overview"')[1]
    assert '<tr class="struck"' in shown
    assert '<a class="chip bad" href="leakage.html">3 leaking pairs</a>' in shown


def test_no_level_is_struck_out(copy):
    path = copy.folder / "audit/pairs.parquet"
    leaks = read_table(path, LEAKS).head(1)
    write_table(
        copy.folder / "subsets/raw/none/1.0.parquet",
        read_table(copy.folder / "subsets/raw/clip/0.5.parquet", SUBSET),
        SUBSET,
    )
    write_table(path, leaks, LEAKS)
    assert all(chart["levels"] for chart in data(copy.site(), "curves"))
    site = copy.site(untrained=())
    assert not any(chart["levels"] for chart in data(site, "curves"))


def test_the_first_page_sums_up_claims_leaks_and_cells(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    (found,) = re.findall(r'<ul class="summary">.*?</ul>', page, re.DOTALL)
    assert "2 claims of the papers" in found
    words = re.sub("<[^>]*>", "", found)
    assert "1 held, 0 not held, 0 inconclusive, 1 not run" in words
    assert "1 of 9 rows struck out" in found
    assert "8 of 10 finished, 2 not run" in found
    widths = [float(width) for width in re.findall(r' width="([0-9.]+)"', found)]
    assert widths == [50, 0, 0, 50]


def test_each_row_is_drawn_beside_what_it_is_compared_with(copy):
    """The mark of `raw` is the value of its own `none`, not of the set `human`."""
    page = (copy.site() / "index.html").read_text(encoding="utf-8").split("</table>")[0]
    rows = page.split("<tr ")
    marks = {
        captions: {
            place
            for row in rows
            if f'data-captions="{captions}"' in row
            for place in re.findall(r'mark" x1="([0-9.]+)"', row)
        }
        for captions in ("raw", "human")
    }
    assert all(len(found) == 1 for found in marks.values())
    assert marks["raw"] != marks["human"]


def test_a_run_without_finished_cells_says_so(copy):
    shutil.rmtree(copy.folder / "cells")
    assert "nothing is ranked yet" in pages(copy.site())["index"].text


def test_papers_show_published_and_measured_values(run, site):
    shown = (site / "papers.html").read_text(encoding="utf-8")
    assert '<a href="#scorers-table2">Table 2: Retrieval of &lt;b&gt;CLIP_L&lt;/b&gt;</a>' in shown
    assert '<details class="paper" id="scorers-table2" open>' in shown
    assert "<h2>ScoreRS</h2>" in shown
    assert "CLIP29.44" + run.shown("domain_clip", 0.3) in pages(site)["papers"].text


def test_claims_tell_effects_in_their_unit(site):
    text = pages(site)["claims"].text
    assert re.search(r"[+]\d+[.]\d\d points [(][+]\d+[.]\d\d to [+]\d+[.]\d\d[)]", text)
    assert "mR: raw, domain_clip, 0.3 against raw, none, 1" in text


def test_kept_pairs_noise_and_scores_are_those_of_the_tables(run, site):
    told = data(site, "samples-0")
    assert told["captions"] == "raw"
    assert len(told["subsets"]) == 5  # random has one ratio
    order = [data(site, "images")["uid"][place] for place in told["image"]]
    assert sorted(order) == [uid(n) for n in range(PAIRS)]
    for subset in told["subsets"]:
        path = run.folder / f"subsets/raw/{subset['scorer']}/{subset['ratio']}.parquet"
        bits = np.unpackbits(np.frombuffer(base64.b64decode(subset["kept"]), np.uint8))[:PAIRS]
        kept = {u for u, bit in zip(order, bits, strict=True) if bit}
        assert kept == set(pd.read_parquet(path)["uid"])
    scores = read_table(run.folder / "scores/raw/clip.parquet", SCORES).set_index("uid")["score"]
    assert told["scores"]["clip"] == pytest.approx(scores[order].tolist(), rel=1e-3)
    number = {uid(n): n for n in range(PAIRS)}
    assert [told["kinds"][n] for n in told["noise"]] == [
        "mismatch" if number[u] % 4 == 0 else "clean" for u in order
    ]


def test_thumbnails_show_their_images(run, site):
    images = data(site, "images")
    sheets = images["sheets"]
    assert sheets["tiles"] == PAIRS
    with Image.open(site / "thumbs/000.webp") as sheet:
        assert sheet.size == (16 * 64, 5 * 64)
    drawn = data(site, "gallery")
    assert [method["name"] for method in drawn["methods"]] == ["real image", "none", "pretrained"]
    with Image.open(site / "gallery/1/000.webp") as sheet:  # prompts in the order of their scenes
        shades = [sheet.getpixel((64 * place + 32, 32))[0] for place in range(6)]
    assert shades == pytest.approx([60 + 20 * row for row in (0, 2, 4, 1, 3, 5)], abs=4)


def test_fewer_samples_are_whole_images(copy):
    path = copy.folder / "captions/raw.parquet"
    captions = read_table(path, CAPTIONS)
    write_table(path, pd.concat([captions, captions.assign(caption_id=1)]), CAPTIONS)
    pairs = samples.chosen_pairs(path, 11)
    assert pairs["uid"].tolist() == [uid(n // 2) for n in range(10)]
    assert len(samples.chosen_pairs(path, 1)) == 1


def test_equal_inputs_give_equal_bytes(run, site):
    assert contents(run.site("again")) == contents(site)


def test_what_a_run_lacks_is_left_out(copy):
    for name in ("papers", "audit", "generated", "truth"):
        shutil.rmtree(copy.folder / name)
    site = copy.site()
    assert set(pages(site)) == {"index", "curves", "samples", "cells"}
    assert data(site, "samples-0")["kinds"] == []


def test_cells_tell_where_they_come_from_and_why_not(copy):
    (copy.folder / "cells/contrastive/raw/clip/0.3/0/metrics.json").write_text("{")
    site = copy.site()
    text = pages(site)["cells"].text
    assert "not run" in text
    assert "refused: contrastive/raw/clip/0.3/0/metrics.json: not valid JSON" in text
    told = data(site, "cells")
    assert told["cells"][2] is None
    origin = {name: told["parts"][place] for name, place in told["cells"][0]["origin"].items()}
    assert origin["training"]["parameters"] == {"samples_seen": 1200}
    cost = data(site, "cost")
    assert cost["cells"][2] is None and cost["cells"][0][cost["names"].index("wall_s")] == 1.5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("papers/scorers.yaml", "paper: [", "scorers.yaml"),
        ("audit/pairs.parquet", "no", "pairs.parquet: not a readable Parquet file"),
        ("captions/raw.parquet", "no", "raw.parquet: not a readable Parquet file"),
        ("generated/raw/none/1.0/0/00003.png", "no", f"1.0/0: image {uid(3)} cannot be shown"),
    ],
)
def test_unreadable_inputs_are_named(copy, name, content, message):
    raw = content.encode() if isinstance(content, str) else content
    (copy.folder / name).write_bytes(raw)
    with pytest.raises(WinnowError, match=message):
        copy.site()
    assert not (copy.folder / "site/index.html").exists()


def test_a_pair_without_score_or_image_is_named(copy):
    path = copy.folder / "captions/raw.parquet"
    captions = read_table(path, CAPTIONS)
    write_table(path, pd.concat([captions, captions.assign(caption_id=3)]), CAPTIONS)
    with pytest.raises(
        WinnowError, match=rf"clip.parquet: no score for uid {uid(0)}, caption_id 3"
    ):
        copy.site()
    write_table(path, captions.assign(uid="f" * 32), CAPTIONS)
    with pytest.raises(WinnowError, match="holds no image ffff"):
        copy.site()


def test_an_older_site_stays_until_the_new_one_is_whole(copy):
    before = contents(copy.site())
    (copy.folder / "sweep.csv").write_text("")
    with pytest.raises(WinnowError):
        copy.site()
    assert contents(copy.folder / "site") == before


@pytest.mark.usefixtures("same_environment")
def test_the_verb_writes_it_and_names_what_is_wrong(copy, capsys):
    card = write_card(copy.folder / "submissions/theirs/card.yaml")
    names = (
        "papers",
        "cells",
        "audit",
        "pool",
        "captions",
        "scores",
        "subsets",
        "generated",
        "truth",
    )
    words = [word for name in names for word in (f"--{name}", str(copy.folder / name))]
    words += ["--sweep", str(copy.folder / "sweep.csv"), "--output", str(copy.folder / "made")]
    words += ["--cards", str(card), "--scale=mini", "--standins=[]", "--resamples=100"]
    assert main(["site", *words, "--samples=20"]) == 0
    assert "Submissions" in pages(copy.folder / "made")["index"].text
    assert len(data(copy.folder / "made", "samples-0")["text"]) == 20
    assert main(["site", *words, "--samples=0"]) == 2
    assert "--samples" in capsys.readouterr().err


def noise(side, seed=0):
    return encode_png(np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8))


def test_sheets_keep_to_the_budget(tmp_path):
    images = [(str(n), noise(64, n)) for n in range(300)]
    sheets = thumbnail_sheets.write_sheets(tmp_path, images, 64, 2500, threads=2)
    assert (sheets.tiles, sheets.per_sheet) == (300, 256)
    sizes = [(tmp_path / f"00{n}.webp").stat().st_size for n in (0, 1)]
    assert sum(sizes) <= 2500 * 300
    rich = thumbnail_sheets.write_sheets(tmp_path / "rich", images[:10], 64, 100_000)
    assert rich.tiles == 10
    with Image.open(tmp_path / "rich/000.webp") as sheet:
        assert sheet.size == (1024, 64)


def test_damaged_images_are_named(tmp_path):
    with pytest.raises(WinnowError, match="image 5 of the pool cannot be shown"):
        thumbnail_sheets.write_sheets(tmp_path, [("image 5 of the pool", b"no")], 64, 900)


@given(st.text())
def test_text_comes_back_from_html_and_from_scripts(value):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.found = [], ""

        def handle_starttag(self, tag, attrs):
            self.tags.append(tag)

        def handle_data(self, data):
            self.found += data

    reader = Reader()
    reader.feed(f"<p>{escape(value)}</p>")
    reader.close()
    assert reader.tags == ["p"]
    assert reader.found == value
    script = markup.data_script("name", [value])
    assert "<" not in script
    assert json.loads(script.removeprefix('winnow.receive("name",').removesuffix(");\n")) == [value]


@given(st.tuples(FLOATS, FLOATS, FLOATS).map(sorted))
def test_intervals_are_drawn_in_order_and_inside(values):
    low, value, high = values
    drawn = markup.bar_positions(Interval(Value(value, low, high), (low, high), value))
    assert 0 <= drawn["low"] <= drawn["value"] <= drawn["high"] <= markup.RANGE[0]
    assert drawn["mark"] == drawn["value"]


@given(st.integers(1, 40), st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=30))
def test_prompts_are_spread_over_the_scenes(most, scenes):
    prompts = pd.DataFrame({"row": range(len(scenes)), "scene": pd.Series(scenes, dtype="object")})
    chosen = spread_over_scenes(prompts, most)
    assert len(chosen) == min(most, len(scenes))
    counts = chosen["scene"].fillna("").value_counts()
    every = prompts["scene"].fillna("").value_counts()
    least = min((counts.get(s, 0) for s in every.index if counts.get(s, 0) < every[s]), default=0)
    if (counts.reindex(every.index).fillna(0) < every).any():
        assert counts.max() - least <= 1


def track_page(folder, name, blocks, figure="figures/a.svg"):
    write_json(folder / f"{name}.json", page_data(blocks))
    (folder / "figures").mkdir()
    (folder / figure).write_text("<svg/>")
    return folder / f"{name}.json"


def test_the_page_of_a_track_is_its_markdown_page(run, tmp_path):
    columns = [Column("scorer", "scorer"), Column("ap", "AP", PERCENT)]
    rows = [{"scorer": Cell(EVIL, "struck"), "ap": Cell(Value(0.5, 0.4, 0.6), "bold", "≈")}]
    prose = f"See [leaks](leakage.md) and [a table](tables/scorers/table2.md). {EVIL}"
    figure = Figure("A plot", "figures/a.svg")
    blocks = ["# Title", "## What?", prose, Table(columns, rows), figure]
    page = track_page(tmp_path, "detection", blocks)
    asked = SiteSettings(scale="mini", standins=[], resamples=100, samples=100)
    sources = run.sources._replace(pages=[page], results=tmp_path)
    build(sources, tmp_path / "site", asked)
    shown = pages(tmp_path / "site")
    text = shown["track-detection"].text
    assert EVIL in text and "50.00 (40.00 to 60.00) ≈" in text and "# Title" not in text
    html = (tmp_path / "site/track-detection.html").read_text(encoding="utf-8")
    assert 'href="leakage.html"' in html and 'href="papers.html#scorers-table2"' in html
    assert '<span class="is-struck">' in html and 'data-key="0.5"' in html
    assert (tmp_path / "site/figures/a.svg").read_text() == "<svg/>"
    assert 'href="track-detection.html"' in (tmp_path / "site/index.html").read_text("utf-8")
    (tmp_path / "figures/a.svg").unlink()
    with pytest.raises(WinnowError, match=r"figures/a\.svg: No such file"):
        build(sources, tmp_path / "again", asked)


def test_assets_are_packaged():
    settings = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"winnow.reporting.site" = ["assets/*"]' in settings
