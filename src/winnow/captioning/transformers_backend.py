"""Any image-text-to-text model of transformers, or a plain language model, in this process."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from PIL import Image

from winnow.captioning.cleaning import marks_thought
from winnow.captioning.request_queue import Reply, Request
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.images import BadImageError, open_rgb
from winnow.models.transformers_folder import load
from winnow.models.weights import device

DECODERS = 4  # threads


@dataclass(frozen=True)
class Group:
    """Requests that share one call of `generate`, and what the model gets for them."""

    requests: list[Request]
    inputs: dict[str, torch.Tensor]  # input_ids [N, T], padded on the left, and more by model


Seen = tuple[Request, Image.Image | None]
Refused = list[tuple[Request, Reply]]


class TransformersBackend:
    """A model in a folder. Its weights are safetensors, and no code in it is run.

    Greedy where the temperature is 0. Samples are drawn for all that share a call, from the seed
    and the content of the first of them, so they repeat if the passes do.
    """

    def __init__(self, folder: Path, batch_size: int = 256):
        """Load model and processor; WinnowError names the folder and what it lacks."""
        self.folder, self.batch_size = folder, batch_size
        self.fits = batch_size  # less, once the accelerator's memory was too small for that
        self.device = device()
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self.model, self.processor = load(folder, self.dtype)
        self.model.to(self.device)
        self.sees = hasattr(self.processor, "image_processor")
        self.identity = f"transformers {digest_files([folder])} {self.dtype}"
        self.tokenizer = getattr(self.processor, "tokenizer", self.processor)
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        markup = [t.content for t in self.tokenizer.added_tokens_decoder.values() if t.special]
        self.markup = _any_of(markup)
        self.marks_thoughts = any(map(marks_thought, markup))
        self.ends = _any_of([token for token in markup if not marks_thought(token)])
        self.decoders = ThreadPoolExecutor(DECODERS)
        self.background = ThreadPoolExecutor(1)
        self.reading = Lock()  # a fast tokenizer refuses to change its padding while it is in use
        self.prepared: dict[tuple[Request, ...], Future[tuple[Refused, list[Group]]]] = {}

    def prepare(self, requests: Sequence[Request]) -> None:
        """Decode and tokenise the next pass in the background."""
        self.prepared[tuple(requests)] = self.background.submit(self.groups, requests)

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        """Answer the requests of one pass; those that differ in length or sampling go apart."""
        wanted = tuple(requests)
        ready = self.prepared.pop(wanted, None)
        refused, groups = ready.result() if ready else self.groups(wanted)
        yield from refused
        for group in groups:
            yield from zip(group.requests, self.generate(group), strict=True)

    def groups(self, requests: Sequence[Request]) -> tuple[Refused, list[Group]]:
        """What cannot be read, and the groups of the rest."""
        refused: Refused = []
        alike: dict[tuple[Any, ...], list[Seen]] = {}
        images = self.decoders.map(_decode, requests)
        for request, image in zip(requests, images, strict=True):
            if isinstance(image, Reply):
                refused.append((request, image))
                continue
            if image is not None and not self.sees:
                raise WinnowError(f"{self.folder}: a language model that sees no images")
            kind = (request.max_tokens, request.temperature, request.seed, image is None)
            alike.setdefault(kind, []).append((request, image))
        groups: list[Group] = []
        for members in alike.values():
            for start in range(0, len(members), self.fits):
                self._gather(members[start : start + self.fits], refused, groups)
        return refused, groups

    def _gather(self, members: list[Seen], refused: Refused, groups: list[Group]) -> None:
        """Add a group; where the processor cannot read it, find the members at fault."""
        try:
            groups.append(Group([request for request, _ in members], self._inputs(members)))
        except (ValueError, TypeError, RuntimeError) as error:
            if len(members) == 1:
                request, image = members[0]
                kind = "text" if image is None else "image"
                refused.append((request, Reply(fault=f"unreadable {kind}: {error}", final=True)))
                return
            half = len(members) // 2
            self._gather(members[:half], refused, groups)
            self._gather(members[half:], refused, groups)

    def _inputs(self, members: list[Seen]) -> dict[str, torch.Tensor]:
        conversations = []
        for request, image in members:
            text = self.markup.sub(" ", request.prompt)  # words of a caption are no commands
            content = [{"type": "text", "text": text}]
            if image is not None:
                content = [{"type": "image", "image": image}, *content]  # type: ignore[dict-item]
            conversations.append([{"role": "user", "content": content if self.sees else text}])
        padding: dict[str, Any] = {"padding": True}
        if self.sees:
            padding = {"processor_kwargs": padding}
        with self.reading:
            inputs = self.processor.apply_chat_template(
                conversations,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                **padding,
            )
        return dict(inputs)

    def generate(self, group: Group) -> list[Reply]:
        """The replies to a group; in halves where the accelerator's memory is too small for it."""
        try:
            return self._generated(group)
        except torch.OutOfMemoryError as error:
            if len(group.requests) == 1:
                raise WinnowError(
                    f"{self.folder}: one request is too much for the accelerator's memory "
                    f"({error}); take a smaller model, or shorter texts"
                ) from error
        torch.cuda.empty_cache()
        self.fits = max(1, len(group.requests) // 2)
        refused, groups = self.groups(group.requests)
        assert not refused, "what could be read before can be read again"
        return [reply for part in groups for reply in self.generate(part)]

    def placed(self, group: Group) -> dict[str, torch.Tensor]:
        """The inputs on the model's device, floats in its type."""
        return {
            name: value.to(self.device, self.dtype if value.is_floating_point() else value.dtype)
            for name, value in group.inputs.items()
        }

    @torch.inference_mode()
    def _generated(self, group: Group) -> list[Reply]:
        request = group.requests[0]  # the others are asked likewise
        config = deepcopy(self.model.generation_config)
        config.update(max_new_tokens=request.max_tokens, num_beams=1, use_cache=True)
        if request.temperature > 0:
            config.update(do_sample=True, temperature=request.temperature, top_p=1.0, top_k=0)
        else:
            config.update(do_sample=False, temperature=None, top_p=None, top_k=None)
        inputs = self.placed(group)
        with torch.random.fork_rng(enabled=config.do_sample):
            if config.do_sample:
                content = f"{request.seed} {request.prompt}".encode() + (request.image or b"")
                torch.manual_seed(int.from_bytes(hashlib.sha256(content).digest()[:8]))
            output = self.model.generate(**inputs, generation_config=config)
        tokens = output[:, inputs["input_ids"].shape[1] :].cpu()
        ends = torch.tensor(config.eos_token_id or []).view(-1)
        ended = torch.isin(tokens, ends).any(1) | torch.tensor(tokens.shape[1] < request.max_tokens)
        with self.reading:
            texts = self.tokenizer.batch_decode(tokens, skip_special_tokens=not self.marks_thoughts)
        if self.marks_thoughts:  # they are needed to tell thoughts from what is said
            texts = [self.ends.sub("", text) for text in texts]
        return [Reply(text, not end) for text, end in zip(texts, ended.tolist(), strict=True)]


def _any_of(tokens: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, tokens)) or "(?!)")


def _decode(request: Request) -> Image.Image | Reply | None:
    try:
        return None if request.image is None else open_rgb(request.image)
    except BadImageError as error:
        return Reply(fault=f"unreadable image: {error}", final=True)
