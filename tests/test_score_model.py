"""The score model: what a value is read from, and the folders that hold one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mllm_fixture import SPECIAL
from PIL import Image
from safetensors.torch import load_file, save_file

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.models import qwen2_vl, score, shared_prefix
from winnow.models.score_network import Asked, ScoreModel, local_images, pad

LAYERS = {
    "input_layernorm.weight": (32,), "post_attention_layernorm.weight": (32,),
    **{f"self_attn.{n}_proj.{p}": (32, 32) if p == "weight" else (32,)
       for n in "qkv" for p in ("weight", "bias")},
    "self_attn.o_proj.weight": (32, 32), "mlp.gate_proj.weight": (64, 32),
    "mlp.up_proj.weight": (64, 32), "mlp.down_proj.weight": (32, 64),
}  # fmt: skip
BLOCKS = {
    **{f"norm{n}.{p}": (32,) for n in (1, 2) for p in ("weight", "bias")},
    "attn.qkv.weight": (96, 32), "attn.qkv.bias": (96,),
    "attn.proj.weight": (32, 32), "attn.proj.bias": (32,),
    "mlp.fc1.weight": (128, 32), "mlp.fc1.bias": (128,),
    "mlp.fc2.weight": (32, 128), "mlp.fc2.bias": (32,),
}  # fmt: skip
MERGER = {
    "ln_q.weight": (32,), "ln_q.bias": (32,), "mlp.0.weight": (128, 128), "mlp.0.bias": (128,),
    "mlp.2.weight": (32, 128), "mlp.2.bias": (32,),
}  # fmt: skip


def published_shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    """The keys of Qwen2Reward in transformers 4.46, for two layers of width 32."""
    return {
        "reward_head.weight": (1, 32),
        "model.embed_tokens.weight": (vocabulary, 32),
        "model.norm.weight": (32,),
        **{f"model.layers.{i}.{k}": s for i in range(2) for k, s in LAYERS.items()},
        "visual.patch_embed.proj.weight": (32, 3, 2, 8, 8),
        **{f"visual.blocks.{i}.{k}": s for i in range(2) for k, s in BLOCKS.items()},
        **{f"visual.merger.{k}": s for k, s in MERGER.items()},
    }


def flat(vocabulary: int) -> dict[str, Any]:
    """A configuration as transformers 4.46 wrote it."""
    return {
        "architectures": ["Qwen2Reward"], "model_type": "qwen2_vl",
        "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0,
        "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 64,
        "max_position_embeddings": 512, "max_window_layers": 28, "num_attention_heads": 2,
        "num_hidden_layers": 2, "num_key_value_heads": 2, "ranked_candidate_num": 2,
        "rms_norm_eps": 1e-06, "rope_scaling": {"mrope_section": [2, 3, 3], "type": "mrope"},
        "rope_theta": 10000.0, "sliding_window": 32768, "tie_word_embeddings": False,
        "torch_dtype": "bfloat16", "use_cache": False, "use_sliding_window": False,
        "vision_start_token_id": 3, "vision_end_token_id": 4, "vision_token_id": 4,
        "image_token_id": 5, "video_token_id": 6, "vocab_size": vocabulary,
        "vision_config": {"depth": 2, "embed_dim": 32, "hidden_size": 32, "in_chans": 3,
                          "model_type": "qwen2_vl", "num_heads": 2, "patch_size": 8,
                          "spatial_patch_size": 8},
    }  # fmt: skip


@pytest.fixture
def published(mllm: Path, tmp_path: Path) -> Path:
    """A folder as the published one: two shards with an index, a flat configuration."""
    folder = tmp_path / "published"
    folder.mkdir()
    vocabulary = read_json(mllm / "config.json")["text_config"]["vocab_size"]
    (folder / "config.json").write_text(json.dumps(flat(vocabulary)))
    for name in ("processor_config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((mllm / name).read_bytes())
    (folder / "chat_template.jinja").write_bytes((mllm / "chat_template.jinja").read_bytes())
    torch.manual_seed(0)
    state = {
        k: torch.randn(s) * (2.0 if k == "reward_head.weight" else 0.2)
        for k, s in published_shapes(vocabulary).items()
    }
    shards: dict[str, dict[str, torch.Tensor]] = {}
    for number, (key, tensor) in enumerate(state.items()):
        shards.setdefault(f"model-0000{1 + number % 2}-of-00002.safetensors", {})[key] = tensor
    for name, content in shards.items():
        save_file(content, folder / name, metadata={"format": "pt"})
    weight_map = {key: name for name, content in shards.items() for key in content}
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def model(mllm: Path) -> ScoreModel:
    torch.set_num_threads(1)
    found = score.start_from(mllm, seed=0)
    torch.nn.init.normal_(found.head.weight, std=1.0, generator=torch.Generator().manual_seed(0))
    return found


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


ASKED = [
    Asked("what is this?", "two white planes on the apron", 1),
    Asked("what is this?", "a town", 0),
    Asked("say it again: a river between green fields", "a river"),
    Asked("a longer question, about what?", "a river between green fields and a small town", 0),
    Asked("what is this?", "", 1),
    Asked("?", "x"),
]


def one_by_one(model: ScoreModel, asked: Asked, pixels: np.ndarray) -> float:
    """The processor and the library's own Qwen2VLModel, a conversation at a time, unpadded."""
    content: list[dict[str, Any]] = [{"type": "text", "text": asked.prompt}]
    if asked.image is not None:
        content.insert(0, {"type": "image", "image": Image.fromarray(pixels[asked.image])})
    inputs = model.processor.apply_chat_template(
        [{"role": "user", "content": content}, {"role": "assistant", "content": asked.text}],
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        hidden = model.backbone(**inputs).last_hidden_state
        return float(model.head(hidden[0, -1]))


# values


def test_values_are_those_of_the_library_one_by_one(model: ScoreModel) -> None:
    pixels = pictures(2)
    wanted = [one_by_one(model, asked, pixels) for asked in ASKED]
    assert np.std(wanted) > 0.1
    for size in (1, 2, 4, 64):
        found = score.score_pairs(model, ASKED, pixels, size)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    order = [4, 2, 0, 5, 3, 1]
    mixed = score.score_pairs(model, [ASKED[i] for i in order], pixels)
    np.testing.assert_allclose(mixed, np.array(wanted)[order], atol=1e-4)


def test_texts_alone_need_no_image_and_nothing_has_no_value(model: ScoreModel) -> None:
    nothing = np.empty((0, 64, 64, 3), dtype=np.uint8)
    alone = [asked for asked in ASKED if asked.image is None]
    wanted = [one_by_one(model, asked, nothing) for asked in alone]
    np.testing.assert_allclose(score.score_pairs(model, alone, nothing), wanted, atol=1e-4)
    assert score.score_pairs(model, [], nothing).shape == (0,)


def test_the_picture_changes_the_value(model: ScoreModel) -> None:
    pixels = pictures(2)
    first, second = (Asked("what is this?", "a town", image) for image in (0, 1))
    one, other = score.score_pairs(model, [first, second], pixels)
    assert abs(one - other) > 1e-3


def test_values_are_exact_where_the_rest_is_rough(model: ScoreModel) -> None:
    exact = score.score_pairs(model, ASKED, pictures(2))
    with torch.autocast("cpu", torch.bfloat16):
        rough = score.score_pairs(model, ASKED, pictures(2))
    assert (exact != rough).any() and np.corrcoef(exact, rough)[0, 1] > 0.98
    assert (rough != torch.tensor(rough).bfloat16().double().numpy()).any()


@given(st.lists(st.sampled_from([*SPECIAL, "a", " ", "river"]), max_size=8).map("".join))
def test_words_of_a_text_are_no_commands(model: ScoreModel, text: str) -> None:
    asked = [Asked(text, text, 0), Asked(text, text)]
    for tokens, images in zip(model.tokenise(asked), (16, 0), strict=True):
        assert tokens.count(SPECIAL.index("<|image_pad|>")) == images
        assert tokens.count(SPECIAL.index("<|im_start|>")) == 2
        assert SPECIAL.index("<|endoftext|>") not in tokens


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_those_of_like_length_go_together(lengths: list[int]) -> None:
    parts = list(qwen2_vl.length_groups(lengths))
    assert sorted(i for part in parts for i in part) == list(range(len(lengths)))
    for part in parts:
        sizes = [lengths[i] for i in part]
        assert max(sizes) <= qwen2_vl.PADDING * min(sizes)


conversations = st.lists(
    st.tuples(st.integers(-1, 1), st.lists(st.integers(0, 1), min_size=1, max_size=12)),
    min_size=1,
    max_size=20,
)


@given(conversations)
def test_packs_hold_every_token_and_let_it_see_its_own_conversation(
    asked: list[tuple[int, list[int]]],
) -> None:
    image, tokens = [one for one, _ in asked], [own for _, own in asked]
    packs = shared_prefix.share(tokens, image)
    order = [i for pack in packs for i in pack]
    assert sorted(order) == list(range(len(tokens)))
    assert all(len({image[i] for i in pack}) == 1 for pack in packs)
    laid = shared_prefix.lay_out(tokens, packs)
    mask = laid.mask
    if mask is None:
        assert all(len(pack) == 1 for pack in packs)
        mask = torch.ones(laid.row.shape[1], laid.row.shape[1]).tril().bool()
        mask = mask.expand(len(packs), 1, -1, -1)
    assert mask.any(dim=-1).all()  # padding as well: a row that sees nothing is not a number
    for i, last in zip(order, laid.last.tolist(), strict=True):
        pack, place = divmod(last, laid.row.shape[1])
        seen = mask[pack, 0, place].nonzero().flatten()
        rows, columns = laid.row[pack, seen].tolist(), laid.column[pack, seen].tolist()
        assert columns == list(range(len(tokens[i])))
        read = [tokens[row][column] for row, column in zip(rows, columns, strict=True)]
        assert read == tokens[i]


def test_what_is_shared_stands_once() -> None:
    tokens = [[1, 2, 3, 4, own] for own in range(2 * shared_prefix.MOST)]
    packs = shared_prefix.share(tokens, [0] * len(tokens))
    assert [len(pack) for pack in packs] == [shared_prefix.MOST] * 2
    assert shared_prefix.packed_length(tokens, packs[0]) == 4 + shared_prefix.MOST
    assert len(shared_prefix.share(tokens, list(range(len(tokens))))) == len(tokens)


@given(st.lists(st.integers(-1, 9), max_size=20))
def test_images_are_named_by_their_place_among_those_shown(image: list[int]) -> None:
    shown, local = local_images(np.array(image, dtype=int))
    assert len(set(shown.tolist())) == len(shown) == len(set(image) - {-1})
    back = [-1 if place < 0 else int(shown[place]) for place in local.tolist()]
    assert back == image


def test_padding_is_on_the_right() -> None:
    ids, lengths = pad([[7, 8], [9]])
    assert ids.tolist() == [[7, 8], [9, 0]] and lengths.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("largest", "patch", "side"), [(4096, 8, 64), (28 * 28 * 1280, 14, 448), (5000, 8, 64)]
)
def test_images_are_squares_of_a_bounded_side(largest: int, patch: int, side: int) -> None:
    from transformers import Qwen2VLImageProcessor

    size = {"shortest_edge": 64, "longest_edge": largest}
    assert qwen2_vl.image_side(Qwen2VLImageProcessor(patch_size=patch, size=size)) == side


# folders


def test_the_published_layout_loads(published: Path) -> None:
    model = score.load(published)
    key = "model.layers.1.mlp.up_proj.weight"
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    state = {k: t for name in names for k, t in load_file(published / name).items()}
    layer = model.backbone.language_model.layers[1].mlp.up_proj.weight
    assert torch.equal(layer, state[key]) and torch.equal(
        model.head.weight, state["reward_head.weight"]
    )
    assert model.prompt == score.PROMPT
    wanted = [one_by_one(model, asked, pictures(2)) for asked in ASKED]
    assert np.std(wanted) > 0.1  # positions and frequencies are there too: nothing is random
    np.testing.assert_allclose(score.score_pairs(model, ASKED, pictures(2)), wanted, atol=1e-4)


@pytest.mark.parametrize("half", [False, True])
def test_saving_keeps_the_published_keys(published: Path, tmp_path: Path, half: bool) -> None:
    model = score.load(published)
    model.prompt = "What can be seen?"
    folder = tmp_path / "saved"
    folder.mkdir()
    score.save(model, folder, half)
    state = load_file(folder / "model.safetensors")
    shapes = published_shapes(model.backbone.config.text_config.vocab_size)
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == shapes
    assert {t.dtype for t in state.values()} == {torch.float16 if half else torch.float32}
    again = score.load(folder)
    assert again.prompt == "What can be seen?" and again.head.weight.dtype == torch.float32
    values = [score.score_pairs(one, ASKED, pictures(2)) for one in (model, again)]
    np.testing.assert_allclose(*values, atol=0.05 if half else 0)
    assert read_json(folder / "config.json")["architectures"] == ["Qwen2Reward"]


@pytest.mark.usefixtures("same_environment")
def test_the_published_layout_is_fetched(published: Path, tmp_path: Path) -> None:
    output = tmp_path / "fetched"
    words = ["fetch-model", "--loader=transformers", f"--id={published}", "--output", str(output)]
    assert main(words) == 0
    values = [
        score.score_pairs(score.load(folder), ASKED, pictures(2)) for folder in (published, output)
    ]
    assert np.array_equal(*values)


def test_a_new_head_is_seeded_and_a_score_model_goes_on(mllm: Path, published: Path) -> None:
    heads = [score.start_from(mllm, seed).head.weight for seed in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    assert torch.equal(
        score.start_from(published, 0).head.weight, score.load(published).head.weight
    )


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change the weights of the first shard."""
    file = folder / "model-00001-of-00002.safetensors"
    state = load_file(file)
    change(state)
    save_file(state, file)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop("reward_head.weight"), "lack reward_head.weight"),
        (
            lambda s: s.update({"lm_head.weight": torch.zeros(2)}),
            "00001.*lm_head.weight is no part",
        ),
        (
            lambda s: s.update({"reward_head.weight": torch.zeros(2, 32)}),
            r"00001.*reward_head.weight has shape \(2, 32\).*\(1, 32\)",
        ),
    ],
)
def test_wrong_weights_are_named(
    published: Path, change: Callable[[dict[str, torch.Tensor]], None], says: str
) -> None:
    rewrite(published, change)
    with pytest.raises(WinnowError, match=says):
        score.load(published)


def test_wrong_files_are_named(published: Path, mllm: Path, tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match=r"config\.json.*Qwen2VLForConditionalGeneration"):
        score.load(mllm)
    with pytest.raises(WinnowError, match=r"config\.json: no such file"):
        score.load(tmp_path)
    (published / "score.json").write_text('{"prompt": ""}')
    with pytest.raises(WinnowError, match=r"score\.json.*prompt"):
        score.load(published)
    (published / "score.json").unlink()
    (published / "model-00002-of-00002.safetensors").write_bytes(b"\x80\x02}q\x00.")  # a pickle
    with pytest.raises(WinnowError, match=r"00002.*safetensors"):
        score.load(published)
    (published / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(WinnowError, match=r"index\.json.*weight_map"):
        score.load(published)
    config = read_json(published / "config.json")
    (published / "config.json").write_text(json.dumps({**config, "architectures": ["LlamaModel"]}))
    for reader in (score.load, lambda folder: score.start_from(folder, 0)):
        with pytest.raises(WinnowError, match=r"config\.json.*LlamaModel.*Qwen2Reward"):
            reader(published)
    (published / "config.json").write_text(json.dumps({**config, "hidden_size": "wide"}))
    with pytest.raises(WinnowError, match=r"describes no Qwen2-VL"):
        score.load(published)
