"""What a chat model says in the end: without its thoughts, special tokens and the name of its role.

Chat templates mark thoughts in many ways; those of the usual open models are known here. What is
not marked stays as it is.
"""

import re

CUT_THOUGHT, ONLY_THOUGHT, REFUSAL = "thought cut off", "only reasoning", "refusal"

_THOUGHT = (
    "think|thinking|thoughts?|thought_process|chain_of_thought|reason|reasoning|reasoning_content"
    "|reflection|analysis|scratchpad|rationale"
)
_ANSWER = "answer|final_answer|final|response|output|conclusion|caption|description"
# `final` ends all that came before it; `close` the thought, which may lack its beginning.
_MARKS = re.compile(
    rf"""
      (?P<final> <\|channel\|>\s*final\b (?:[^<\n]*(?:<\|constrain\|>[^<\n]*)?<\|message\|>)?
               | ^\s*(?:<\|start\|>)?(?:assistant)?\s*analysis .*? assistant\s*final )
    | (?P<open>  <\|?channel\|?>\s*(?:analysis|commentary|thought)\b (?:[^<\n]*<\|message\|>)?
               | <\|?\s*(?:\w+:)?(?:begin_of_|start_)?(?:{_THOUGHT})
                 (?:_start|_begin)?(?:\s[^<>/]*)?\|?>
               | [◁\[](?:think|thinking)[▷\]]
               | <unused94>(?:thought\b)? )
    | (?P<close> <channel\|>
               | <\|?\s*/\s*(?:\w+:)?(?:{_THOUGHT})\s*\|?>
               | <\|(?:end_of_|end_)(?:{_THOUGHT})\|> | <\|(?:{_THOUGHT})_end\|>
               | [◁\[]/(?:think|thinking)[▷\]]
               | <unused95> )
    """,
    re.I | re.X | re.S,
)
_CHANNEL = re.compile(r"<\|?(?:channel|message|constrain)\|?>")
_ELEMENT = re.compile(rf"<({_ANSWER})>(.*?)(?:</\1>|\Z)", re.I | re.S)
_TAG = re.compile(rf"</?(?:{_ANSWER})>", re.I)

SPECIAL = re.compile(
    r"""
      <\|[^<>|]*\|> | <\uff5c[^<>\uff5c]*\uff5c>              # as most chat models spell them
    | </?s> | <</?SYS>>
    | <(?i:bos|eos|pad|unk|sep|cls|mask|eot|eod|eom|eop|image|img|video
        |(?:start|end|begin)_?of_?(?:text|turn|image|utterance|sentence)|im_(?:start|end)
        |image_soft_token|fake_token_around_image|global-img)>
    | \[/?(?:BOS|EOS|PAD|UNK|SEP|CLS|MASK|INST|IMG|IMG_END)\]
    """,
    re.X,
)
_NEXT_TURN = re.compile(
    rf"(?:{SPECIAL.pattern})\s*(?:(?:{SPECIAL.pattern})\s*)*"
    rf"(?i:user|human|system)\s*(?:[:\n]|{SPECIAL.pattern})"
    r"|^[ \t]*(?:\#\#\#[ \t]*)?(?:USER|User|HUMAN|Human)[ \t]*:",
    re.X | re.M,
)
_ROLE = re.compile(
    r"""\s* (?:
      [*_\#>\s]* (?:(?:ai\s+)?assistant|ai|bot|gpt
        |(?:final\s+|short\s+|image\s+)?(?:answer|caption|description|response))
      [*_\s]* [:\uff1a] [*_\s]*
    | (?:assistant|model) [ \t]* \n )""",
    re.I | re.X,
)

_BEGINS = r"[^\w<{\[]*(?:(?:oh|hi|hello|hey|hmm|well|um)\b[\s,.!]*)?"
_REFUSALS = re.compile(
    _BEGINS
    + r"""(?:
      (?:i['\u2019]?m|i\ am|we['\u2019]?re|we\ are)\s+
        (?:(?:so|very|really|truly|deeply|terribly)\s+)?(?:sorry|afraid)\b
    | (?:sorry|(?:my\s+)?apologies)\s*(?:[,.;:!\u2014\u2013-]|but\b|i\b|we\b|for\b)
    | i\s+(?:must\s+|have\s+to\s+|do\s+|sincerely\s+)*(?:apologi[sz]e|decline|refuse)\b
    | (?:i\s+am|i['\u2019]?m)\s+(?:just\s+|only\s+)?an?\s+(?:ai|(?:large\s+)?language\s+model)\b
    | as\s+an?\s+(?:[\w-]+\s+){0,3}?(?:ai|artificial\s+intelligence|[\w-]*language\s+model)\b
    | (?:unfortunately|regrettably)\s*,?\s*(?:i|we)\b
    | (?:i|we)\s+(?:(?:really|just|simply|currently|still)\s+)?
        (?:can\s?not|can['\u2019]?t|could\s?not|couldn['\u2019]?t|will\s+not|won['\u2019]?t
          |(?:am|was|are|were)\s+(?:not\s+able|unable)
          |(?:do\s+not|don['\u2019]?t)\s+(?:have|see\s+(?:any|an|the|your)\s+(?:image|picture|photo)))\b
    | (?:i|we)['\u2019]?(?:m|re)\s+(?:not\s+able|unable|not\s+allowed)\b
    | (?:please|could\s+you)\s+(?:provide|upload|attach|share)\s
        (?:me\s+)?(?:an?|the|your)\s+(?:image|picture|photo)
    | (?:很|非常|十分)?(?:抱歉|对不起|對不起)|作为(?:一个|一名)?\s*(?:AI|人工智能)
    | 申し訳|すみません|죄송|미안
    | lo\s+siento\b|je\s+suis\s+désolée?\b|désolée?\s*,
    | es\s+tut\s+mir\s+leid\b|leider\s+kann\s+ich\b
    | desculpe\b|sinto\s+muito\b|mi\s+(?:dis|s)piace\b|извините\b|простите\b|к\s+сожалению,?\s+я\b
    )""",
    re.I | re.X,
)


def said(reply: str) -> tuple[str, str]:
    """What a reply says in the end, and what is wrong with it; one of the two is empty.

    Thoughts, special tokens, a further turn that the model made up, and a leading role or label
    are taken off until none is left. A thought without an end is `CUT_THOUGHT`, one with nothing
    after it `ONLY_THOUGHT`; a reply without words and thoughts is returned as it is.
    """
    text, thought = reply, False
    while True:
        spoken, cut, found = _without_thoughts(text)
        if cut:
            return "", CUT_THOUGHT
        thought |= found
        spoken = _without_markup(spoken)
        if spoken == text:
            break
        text = spoken
    if thought and not any(map(str.isalnum, text)):
        return "", ONLY_THOUGHT
    return text, ""


def marks_thought(token: str) -> bool:
    """Whether a special token tells thoughts from what is said."""
    return _CHANNEL.fullmatch(token) is not None or _MARKS.fullmatch(token) is not None


def refuses(line: str) -> bool:
    """Whether a clean line of text begins as those do in which a model declines to answer."""
    return _REFUSALS.match(line) is not None


def _without_thoughts(text: str) -> tuple[str, bool, bool]:
    """What is outside of thoughts, whether the last has no end, and whether there was any."""
    kept, start, thinking, found = list[str](), 0, False, False
    for mark in _MARKS.finditer(text):
        found = True
        if mark["open"]:
            if not thinking:
                kept.append(text[start : mark.start()])
                thinking = True
            continue
        if mark["final"] or not thinking:
            kept.clear()  # all before it was thought
        start, thinking = mark.end(), False
    if not thinking:
        kept.append(text[start:])
    return " ".join(kept) if found else text, thinking, found


def _without_markup(text: str) -> str:
    if (turn := _NEXT_TURN.search(text)) and any(map(str.isalnum, text[: turn.start()])):
        text = text[: turn.start()]
    if answers := [inside for _, inside in _ELEMENT.findall(text) if any(map(str.isalnum, inside))]:
        text = answers[-1]
    text = SPECIAL.sub(" ", _TAG.sub(" ", text))
    return text[role.end() :] if (role := _ROLE.match(text)) else text
