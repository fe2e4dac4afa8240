"""What chat models wrap their answers in: thoughts, tokens, roles, preambles; refusals."""

import pytest
from conftest import World
from hypothesis import given
from hypothesis import strategies as st

from winnow.captioning.answers import check_answer, clean_line, tidy
from winnow.captioning.cleaning import declines, final_text, marks_thought
from winnow.captioning.wrapping import unwrapped
from winnow.preferences.model_rater import read_reply
from winnow.terrarium.captions import coarse_caption, human_captions, rule_caption
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.perspectives import answers

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
    "<think>It is not allowed.</think>I'm sorry, I can't.",
    "assistant: I won't describe this.",
    "很抱歉\uff0c我无法描述这张图片。",
    "Lo siento, no puedo ayudar.",
]
NO_IMAGES = [
    "There is no image attached. Please provide the image.",
    "I don't see any image",
    "I don\u2019t see any image here.",
    "I can't see an image in our chat.",
    "Could you please upload the image",
    "Please upload the image again.",
    "Sure! Please share the image you would like me to describe.",
    "I'm sorry, but there is no image provided.",
    "There doesn't appear to be an image attached.",
    "No image was provided.",
    "No image.",
    "It seems that no image was attached.",
    "It looks like you haven't attached an image.",
    "Unfortunately, the picture did not load.",
    "To describe it, please upload the image.",
    "Once you upload the image, I can help.",
    "I need to see the image to describe it.",
]
AROUND = [  # of captions alone: a rating is read strictly
    "Here is a caption for the image:\n\n{}",
    "Here\u2019s a short caption: {}",
    "Here is a description of the image in one sentence.\n\n{}",
    "Sure! Here is a one-sentence description:\n{}",
    "Sure, here's a description of the satellite image: {}",
    "Certainly! Here you go:\n{}",
    "Certainly! {}",
    "I'd be happy to help! Here's a caption: {}",
    "Based on the image, here is a description:\n{}",
    "The caption of the image:\n{}",
    "**Here is a caption for the image:**\n\n{}",
    '**Caption:** "{}"',
    "**{}**",
    "# Caption\n{}",
    "## Caption:\n\n{}",
    '"{}"',
    "\u201c{}\u201d",
    "'{}'",
    "`{}`",
    "```\n{}\n```",
    "```text\n{}```",
    '```json\n{"caption": "{}"}\n```',
    '```json\n{"caption": "{}',
    '{"id": 3, "image_caption": "{}", "objects": ["a road"]}',
    '[{"description": "{}"}]',
    'Here is the JSON:\n```json\n{\n  "caption": "{}"\n}\n```\nLet me know if you need more!',
    "\x1b[31mCaption:\x1b[0m {}",
    "\x1b[2m<think>hm</think>\x1b[0m{}",
    "<answer>Here is the caption:\n**{}**</answer></s>",
]
LISTS = [
    ("1. two planes\n2. a road\n3) a field", "two planes; a road; a field"),
    ("- Two planes.\n- A road.", "Two planes. A road."),
    ("Objects:\n* 2 cars\n\n* **1** house", "Objects: 2 cars; 1 house"),
    ("Here are the captions:\n1. A road.\n2. A field.", "A road. A field."),
    ("1. A road", "1. A road"),
    ("A road\nby a field", "A road by a field"),
    ('{"cars": 3}', '{"cars": 3}'),
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
    "there is no road in the image",
    "there is no image of a road",
    "No picture of the sea is complete without ships.",
    "The image is not clear.",
    "Here is a harbour: boats lie in rows.",
    "Here are trees: oaks, pines.",
    "This is a list of fields: green, red.",
    "Okayama castle, from above.",
    "A road. Here is a caption: it is empty.",
    "Certainly a harbour.",
    "Sure",
    '"Stop" and "Go" signs.',
    'A sign says "Stop".',
    "2*3*4 = 24, 4 * 5 * 6",
    "a snake_case __init__ file",
]


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_what_wraps_an_answer_is_taken_off(wrapping: str) -> None:
    assert check_answer(wrapping.replace("{}", ROAD), cut=False) == (ROAD, "")
    rating = '{"relevance": 4, "specificity": 3, "completeness": 5, "clarity": 5, "richness": 2}'
    if "hidden" not in wrapping:
        assert read_reply(wrapping.replace("{}", rating), False) == (rating, "")


@pytest.mark.parametrize("wrapping", [w for w in WRAPPED if "<CAPTION>" not in w])
def test_a_wrapping_without_an_answer(wrapping: str) -> None:
    text, fault = check_answer(wrapping.partition("{}")[0], cut=False)
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
        assert check_answer(reply, cut) == ("", fault)
    assert read_reply(reply, False)[1].startswith("no rating (")


@pytest.mark.parametrize("reply", REFUSALS)
def test_refusals_are_no_captions(reply: str) -> None:
    assert check_answer(reply, cut=False) == ("", "refusal")
    assert read_reply(reply, False)[1].startswith("no rating (refusal): ")


@pytest.mark.parametrize("reply", NO_IMAGES)
def test_that_there_is_no_image_is_no_caption(reply: str) -> None:
    assert check_answer(reply, cut=False) == ("", "no image")
    if not reply.startswith("Sure"):
        assert read_reply(reply, False)[1].startswith("no rating (no image): ")


@pytest.mark.parametrize("wrapping", AROUND)
def test_what_is_around_a_caption_is_taken_off(wrapping: str) -> None:
    for caption in (ROAD, "a farmer's field by a river"):
        assert check_answer(wrapping.replace("{}", caption), cut=False) == (caption, "")


@pytest.mark.parametrize("preamble", ["Here is a caption for the image:", "**Caption:**\n"])
def test_a_preamble_alone_is_empty(preamble: str) -> None:
    assert check_answer(preamble, cut=False) == ("", "empty answer")


@pytest.mark.parametrize("reply, text", LISTS)
def test_a_list_is_one_line_without_its_marks(reply: str, text: str) -> None:
    assert check_answer(reply, cut=False) == (text, "")


@pytest.mark.parametrize("caption", HARMLESS)
def test_captions_stay_as_they_are(caption: str) -> None:
    assert final_text(caption) == (caption, "") and check_answer(caption, cut=False) == (
        caption,
        "",
    )


def test_captions_of_people_and_rules_stay_as_they_are(world: World) -> None:
    for text in {*world.human["text"]}:
        assert check_answer(text, cut=False) == (text, "")


@given(st.integers(0, 2**63 - 1))
def test_captions_of_terrarium_stay_as_they_are(seed: int) -> None:
    layout = draw_layout(seed)
    texts = [*human_captions(layout, seed), rule_caption(layout), coarse_caption(layout, seed)]
    for text in [*texts, *filter(None, answers(layout, seed).values())]:
        assert check_answer(text, cut=False) == (text, "")


pieces = st.sampled_from(
    ["<think>", "</think>", "<|channel|>", "final", "<|message|>", "</s>", "<s", ">", "<answer>",
     "</answer>", "assistant", ":", "\n", "[THINK]", "I'm sorry", "\x00", "\u200b", "a road", "<|",
     "1. ", "**", '"', "```", "Sure! ", "Here is a caption", '{"caption": "', "# ", "\x1b[3m", "\\"]
)  # fmt: skip


@given(st.lists(pieces | st.text(max_size=5), max_size=25).map("".join), st.booleans())
def test_any_reply_is_a_clean_text_or_a_fault(reply: str, cut: bool) -> None:
    text, fault = check_answer(reply, cut)
    assert bool(text) != bool(fault)
    assert text == tidy(text) and not declines(text)
    assert "think>" not in text.lower() or "<think>" not in text.lower()
    assert "</s>" not in text and "<|message|>" not in text
    if text and not cut:
        assert clean_line(text) == (text, "")
    assert len(unwrapped(reply)) <= len(reply) and unwrapped(text) == text
    line, wrong = read_reply(reply, cut)
    assert bool(line) != bool(wrong)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1), st.text())
def test_plain_words_are_never_lost(words: str, thought: str) -> None:
    assert final_text(words) == (words, "")
    if "think" not in thought.lower():
        assert (
            check_answer(f"<think>{thought}</think>{words}", cut=False)[0]
            == check_answer(words, False)[0]
        )


@pytest.mark.parametrize(
    "token, is_mark",
    [("<think>", True), ("</think>", True), ("<|channel|>", True), ("[THINK]", True),
     ("<|im_end|>", False), ("<s>", False), ("<image>", False)],
)  # fmt: skip
def test_which_special_tokens_are_kept_until_thoughts_are_off(token: str, is_mark: bool) -> None:
    assert marks_thought(token) == is_mark
