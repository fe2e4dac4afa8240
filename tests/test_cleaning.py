"""What chat models wrap their answers in: thoughts, special tokens, roles, refusals."""

import pytest
from conftest import World
from hypothesis import given
from hypothesis import strategies as st

from winnow.captioning.answers import judge, spoken, tidy
from winnow.captioning.cleaning import marks_thought, refuses, said
from winnow.judging.by_model import read_reply

ROAD = "A road crosses a green field."
WRAPPED = [
    "<think>\nThe user wants a caption. A runway, or a train?\n</think>\n\n{}",
    "I see a grey line, maybe a runway.\n</think>\n\n{}",
    "<thinking>hm</thinking>{}",
    "<THINK>hm</THINK> {}",
    "<thought>hm</thought>\n{}",
    "<reasoning>a runway</reasoning>\n<answer>{}</answer>",
    '<think duration="3">hm</think>{}',
    "<think>what is <think> for?</think>{}",
    "<think>one</think> no, wait </think>{}",
    "<think></think>{}",
    "<seed:think>hm</seed:think>{}",
    "◁think▷a runway?◁/think▷{}",
    "[THINK]hm[/THINK]{}",
    "<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>{}<|end_of_solution|>",
    "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>{}<|END_RESPONSE|>",
    "<unused94>thought\nhm<unused95>{}",
    "<|channel>thought\nhm<channel|>{}",
    "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>{}",
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>b"
    "<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "analysisThe user wants a caption.assistantfinal{}",
    "<SUMMARY>s</SUMMARY><CAPTION>c</CAPTION><REASONING>r</REASONING><CONCLUSION>{}</CONCLUSION>",
    "<th\u200bink>hidden</th\u200bink>{}",
    "{}</s>",
    "{}<|im_end|>",
    "{}<|endoftext|><|endoftext|>",
    "{}<eos>",
    "<s> {} </s>",
    "{}<end_of_turn>",
    "{}<\uff5cend\u2581of\u2581sentence\uff5c>",
    "{}<|im_<|im_end|>end|>",
    "ASSISTANT: {}",
    "assistant\n{}",
    "<|im_start|>assistant\n{}<|im_end|>",
    "<|im_start|>assistant\n{}<|im_end|>\n<|im_start|>user\nAnd what else?",
    "{}</s>USER: And what else?",
    "{}\nUSER: And what else?",
    "<|start_header_id|>assistant<|end_header_id|>\n\nAssistant: {}<|eot_id|>",
    "Caption: {}",
    "**Caption:** {}",
    "### Answer: {}",
]
REFUSALS = [
    "I'm sorry, but I can't help with that picture.",
    "I\u2019m sorry, I can\u2019t assist with that.",
    "Sorry, but I cannot identify the place.",
    "Oh, I am very sorry! I cannot.",
    '"I apologize, but the picture is private."',
    "As an AI, I have no eyes.",
    "As an AI language model, I cannot see images.",
    "As a vision-language model I do not name places.",
    "I cannot see the image.",
    "I am unable to describe this.",
    "I'm not able to view it.",
    "Unfortunately, I can't open this file.",
    "I don't see any image here.",
    "Please upload the image again.",
    "<think>It is not allowed.</think>I'm sorry, I can't.",
    "assistant: I won't describe this.",
    "很抱歉\uff0c我无法描述这张图片。",
    "Lo siento, no puedo ayudar.",
]
HARMLESS = [
    "I",
    "A road.",
    "I can see a road and a river.",
    "As an airport seen from above, it has two runways.",
    "As an aid to ships, a lighthouse stands on the rocks.",
    "A sign on the roof says I'm sorry.",
    "A sorry sight of ruins.",
    "Sorry Island lies in a bay.",
    "A caption: a town",
    "AI campus with white roofs.",
    "Model airport with two runways.",
    "Assistant buildings stand by the main one.",
    "An answer to drought: a canal.",
    "3 < 4 and |a| > <b>",
    "[a] town, by a river (wide)",
    "I think a road.",
    "Final approach of a plane: runway 09.",
]


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_what_wraps_an_answer_is_taken_off(wrapping: str) -> None:
    assert judge(wrapping.replace("{}", ROAD), cut=False) == (ROAD, "")
    rating = '{"relevance": 4, "specificity": 3, "completeness": 5, "clarity": 5, "richness": 2}'
    if "hidden" not in wrapping:
        assert read_reply(wrapping.replace("{}", rating), False) == (rating, "")


@pytest.mark.parametrize("wrapping", [w for w in WRAPPED if "<CAPTION>" not in w])
def test_a_wrapping_without_an_answer(wrapping: str) -> None:
    text, fault = judge(wrapping.partition("{}")[0], cut=False)
    assert not text and fault in ("only reasoning", "empty answer", "thought cut off")


@pytest.mark.parametrize(
    "reply, fault",
    [
        ("<think>\nThe user wants a caption. Let me count the", "thought cut off"),
        ("A road. <think>Is it", "thought cut off"),
        ("<|channel|>analysis<|message|>The user", "thought cut off"),
        ("[THINK]hm", "thought cut off"),
        ("<think>a runway</think>\n", "only reasoning"),
        ("a runway</think></s>", "only reasoning"),
        ("</s>", "empty answer"),
        ("assistant:", "empty answer"),
    ],
)
def test_thoughts_are_no_captions(reply: str, fault: str) -> None:
    for cut in (True, False):
        assert judge(reply, cut) == ("", fault)
    assert read_reply(reply, False)[1].startswith("no rating (")


@pytest.mark.parametrize("reply", REFUSALS)
def test_refusals_are_no_captions(reply: str) -> None:
    assert judge(reply, cut=False) == ("", "refusal")
    assert read_reply(reply, False)[1].startswith("no rating (refusal): ")


@pytest.mark.parametrize("caption", HARMLESS)
def test_captions_stay_as_they_are(caption: str) -> None:
    assert said(caption) == (caption, "") and judge(caption, cut=False) == (caption, "")


def test_captions_of_people_and_rules_stay_as_they_are(world: World) -> None:
    for text in {*world.human["text"]}:
        assert judge(text, cut=False) == (text, "")


pieces = st.sampled_from(
    ["<think>", "</think>", "<|channel|>", "final", "<|message|>", "</s>", "<s", ">", "<answer>",
     "</answer>", "assistant", ":", "\n", "[THINK]", "I'm sorry", "\x00", "\u200b", "a road", "<|"]
)  # fmt: skip


@given(st.lists(pieces | st.text(max_size=5), max_size=25).map("".join), st.booleans())
def test_any_reply_is_a_clean_text_or_a_fault(reply: str, cut: bool) -> None:
    text, fault = judge(reply, cut)
    assert bool(text) != bool(fault)
    assert text == tidy(text) and not refuses(text)
    assert "think>" not in text.lower() or "<think>" not in text.lower()
    assert "</s>" not in text and "<|message|>" not in text
    if text and not cut:
        assert spoken(text) == (text, "")
    line, wrong = read_reply(reply, cut)
    assert bool(line) != bool(wrong)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1), st.text())
def test_plain_words_are_never_lost(words: str, thought: str) -> None:
    assert said(words) == (words, "")
    if "think" not in thought.lower():
        assert judge(f"<think>{thought}</think>{words}", cut=False)[0] == judge(words, False)[0]


@pytest.mark.parametrize(
    "token, is_mark",
    [("<think>", True), ("</think>", True), ("<|channel|>", True), ("[THINK]", True),
     ("<|im_end|>", False), ("<s>", False), ("<image>", False)],
)  # fmt: skip
def test_which_special_tokens_are_kept_until_thoughts_are_off(token: str, is_mark: bool) -> None:
    assert marks_thought(token) == is_mark
