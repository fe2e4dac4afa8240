"""What a chat model says in the end: without its thoughts, special tokens and the name of its role.

Chat templates mark thoughts in many ways; those of the usual open models are known here. What is
not marked stays as it is.
"""

import re

CUT_THOUGHT, ONLY_THOUGHT = "thought cut off", "only reasoning"
NESTED = "marks within marks"
ROUNDS = 10  # of taking marks off: no reply of a model needs more than a few
REFUSAL, NO_IMAGE = "refusal", "no image"

_THOUGHT = (
    "think|thinking|thoughts?|thought_process|chain_of_thought|reason|reasoning|reasoning_content"
    "|reflection|analysis|scratchpad|rationale"
)
_ANSWER = "answer|final_answer|final|response|output|conclusion|caption|description"
# `final` ends all that came before it; `close` the thought, which may lack its beginning.
_MARKS = re.compile(
    rf"""
      (?P<final> <\|channel\|>\s*final\b (?:[^<\n]*(?:<\|constrain\|>[^<\n]*)?<\|message\|>)?
               | ^\s*+(?:<\|start\|>)?(?:assistant)?\s*+analysis .*? assistant\s*final )
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
# Escape sequences of terminals: colours and the like, titles, character sets.
ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-9:;?]*[@-~]|\x1b\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)|\x1b[()][0-9AB]"
)
# Of several special tokens in a row the last one tells (looking at each run anew takes for ever).
_NEXT_TURN = re.compile(
    rf"(?P<token>{SPECIAL.pattern})\s*+(?i:user|human|system)\s*(?:[:\n]|{SPECIAL.pattern})"
    r"|^[ \t]*(?:\#\#\#[ \t]*)?(?:USER|User|HUMAN|Human)[ \t]*:",
    re.X | re.M,
)
_ROLE = re.compile(
    r"""(?:
      [*_\#>\s]*+ (?:(?:ai\s+)?assistant|ai|bot|gpt
        |(?:final\s+|short\s+|image\s+)?(?:answer|caption|description|response))
      [*_\s]*+ [:\uff1a] [*_\s]*+
    | \s*+ (?:assistant|model) [ \t]* \n )""",
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
    | (?:很|非常|十分)?(?:抱歉|对不起|對不起)|作为(?:一个|一名)?\s*(?:AI|人工智能)
    | 申し訳|すみません|죄송|미안
    | lo\s+siento\b|je\s+suis\s+désolée?\b|désolée?\s*,
    | es\s+tut\s+mir\s+leid\b|leider\s+kann\s+ich\b
    | desculpe\b|sinto\s+muito\b|mi\s+(?:dis|s)piace\b|извините\b|простите\b|к\s+сожалению,?\s+я\b
    )""",
    re.I | re.X,
)

_IMAGE = r"(?:(?:satellite|aerial)\s+)?(?:image|picture|photo|photograph|attachment)s?\b"
_GIVEN = (
    r"(?:attach(?:ed)?|provided?|upload(?:ed)?|included?|shared?|supplied|sent)\b"
    r"|(?:given|visible|available)\W*\Z"
)
_NOT = r"(?:\s+not|n['\u2019]?t)"
_NO_IMAGES = re.compile(
    _BEGINS
    + rf"""
      (?:(?:(?:i['\u2019]?m|i\ am)\s+(?:(?:so|very)\s+)?(?:sorry|afraid)|sorry|(?:my\s+)?apologies
        |i\s+apologi[sz]e|unfortunately)[\s,.;:!\u2014\u2013-]+(?:but\s+|that\s+)?)?
      (?:to\s+(?:\w+\s+){{1,5}}\w+,\s+)?
      (?:it\s+(?:seems|appears|looks)\s+(?:that\s+|like\s+|as\s+if\s+)?)?
      (?:
        there(?:(?:['\u2019]s|\s+(?:is|was|are|were|(?:seems|appears)\s+to\s+be))\s+(?:no|not\s+an)
            |\s+(?:is|was|does|do){_NOT}\s+(?:(?:seem|appear)\s+to\s+be\s+)?any?)
          \s+{_IMAGE}
          (?:\s*(?:[.!,]|\Z)|\s+(?:here|for\s+me|to\s+(?:describe|caption|see|look)|{_GIVEN}
            |in\s+(?:your|this|the|our)\s+(?:message|conversation|chat|request|prompt)))
      | no\s+{_IMAGE}(?:\s*(?:[.!]?\Z|(?:(?:is|was|were|has\s+been|have\s+been)\s+)?(?:{_GIVEN})))
      | (?:the|your|an?|any)\s+{_IMAGE}\s+
          (?:(?:is|was|were|has|have|did|does|could|can){_NOT}|failed\s+to)\s+
          (?:been\s+|be\s+|come\s+|seem\s+to\s+be\s+)*
          (?:{_GIVEN}|load(?:ed)?\b|through\b|display(?:ed)?\b)
      | you\s+(?:have|did){_NOT}\s+(?:yet\s+)?(?:{_GIVEN}|send\b)
      | (?:i|we)\s+(?:(?:currently|actually)\s+)?(?:do{_NOT}|can{_NOT}|cannot|can['\u2019]?t)\s+
          (?:currently\s+|actually\s+)?(?:see|view|find|have|detect)\s+(?:any|an?)\s+{_IMAGE}
      | (?:i|we)\s+(?:would\s+)?need\s+(?:you\s+to\s+\w+\s+|to\s+see\s+)?(?:an?|the|your)\s+{_IMAGE}
      | (?:(?:please|kindly|(?:could|can|would|will)\s+you(?:\s+please)?|(?:once|if)\s+you)
          \s+(?:re-?)?(?:provide|upload|attach|share|send|include|supply))\s+
          (?:me\s+|us\s+|it\s+)?(?:with\s+)?(?:(?:an?|the|your)\s+)?{_IMAGE}
      )""",
    re.I | re.X,
)


def final_text(reply: str) -> tuple[str, str]:
    """What a reply says in the end, and what is wrong with it; one of the two is empty.

    Thoughts, special tokens, a further turn that the model made up, and a leading role or label
    are taken off until none is left. A thought without an end is `CUT_THOUGHT`, one with nothing
    after it `ONLY_THOUGHT`, one that is not bare after `ROUNDS` is `NESTED`; a reply without words
    and thoughts is returned as it is.
    """
    text, thought = ANSI.sub("", reply), False
    for _ in range(ROUNDS):
        spoken, cut, found = _without_thoughts(text)
        if cut:
            return "", CUT_THOUGHT
        thought |= found
        spoken = _without_markup(spoken)
        if spoken == text:
            break
        text = spoken
    else:
        return "", NESTED
    if thought and not any(map(str.isalnum, text)):
        return "", ONLY_THOUGHT
    return text, ""


def marks_thought(token: str) -> bool:
    """Whether a special token tells thoughts from what is said."""
    return _CHANNEL.fullmatch(token) is not None or _MARKS.fullmatch(token) is not None


def declines(line: str) -> str:
    """`NO_IMAGE` or `REFUSAL` where a clean line begins as if a model declines, else ""."""
    if _NO_IMAGES.match(line):
        return NO_IMAGE
    return REFUSAL if _REFUSALS.match(line) else ""


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
    if (turn := _NEXT_TURN.search(text)) and any(map(str.isalnum, text[: _begin(text, turn)])):
        text = text[: _begin(text, turn)]
    if answers := [inside for _, inside in _ELEMENT.findall(text) if any(map(str.isalnum, inside))]:
        text = answers[-1]
    text = SPECIAL.sub(" ", _TAG.sub(" ", text))
    return text[role.end() :] if (role := _ROLE.match(text)) else text


def _begin(text: str, turn: re.Match[str]) -> int:
    """Where a further turn begins, with all special tokens in a row before it."""
    begin = turn.start()
    if turn["token"] is not None:
        for token in reversed([*SPECIAL.finditer(text, 0, begin)]):
            if text[token.end() : begin].strip():
                break
            begin = token.start()
    return begin
