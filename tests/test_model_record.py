"""The card that stays with a trained model."""

from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from winnow.data.files import read_json, write_json
from winnow.training.model_record import (
    CONTRASTIVE,
    GENERATOR,
    MLLM,
    SCORE_MODEL,
    SEGMENTOR,
    ModelKind,
    model_card,
    write_trained,
)

KINDS = [CONTRASTIVE, MLLM, SCORE_MODEL, GENERATOR, SEGMENTOR]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.library)
def test_the_card_is_of_the_hubs_form(tmp_path: Path, kind: ModelKind) -> None:
    write_json(tmp_path / "subset.json", [])
    write_trained(tmp_path, kind, {"pairs": 9}, {"subset": tmp_path / "subset.json"}, loss=0.25)
    record, card = read_json(tmp_path / "training.json"), ModelCard.load(tmp_path / "README.md")
    assert card.data.library_name == kind.library and card.data.pipeline_tag == kind.task
    lines = card.text.splitlines()
    assert "| pairs | 9 |" in lines and "Last loss: 0.2500" in lines
    assert f"| subset | {record['inputs']['subset']} |" in lines
    assert f"Code: {record['code']}" in lines


def test_the_card_shows_the_last_of_several_losses_and_keeps_its_tables_whole() -> None:
    record = {
        "losses": [2.0, 1.0], "parameters": {"network": "a|b\n# c"}, "inputs": {},
        "versions": {}, "code": "0",
    }  # fmt: skip
    lines = model_card(SEGMENTOR, record).splitlines()
    assert "Last loss: 1.0000" in lines and "| network | a\\|b # c |" in lines
