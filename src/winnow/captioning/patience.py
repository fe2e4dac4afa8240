"""When a server that fails request after request ends the run: no answer is lost by that."""

import re

from winnow.captioning.request_queue import Reply
from winnow.data.errors import WinnowError

FIRST = 3  # the first requests of a run, none of them answered, that fail alike
ROW = 100  # requests that fail one after the other, in whatever way


class Patience:
    """Counts the requests that a server let fail, one after the other."""

    def __init__(self) -> None:
        self.ever = False  # whether any request was answered, or known from before
        self.alike = self.row = 0
        self.last = ""

    def answered(self) -> None:
        """A request was answered, or its answer was known."""
        self.ever, self.row = True, 0

    def see(self, reply: Reply) -> None:
        """Count a reply. Raises WinnowError where the next ones cannot be hoped to be better."""
        if not reply.failed_at:
            if not reply.fault:
                self.answered()
            return
        kind = re.sub(r"\d+", "#", reply.fault)  # sizes and the like
        self.alike = self.alike + 1 if kind == self.last else 1
        self.row, self.last = self.row + 1, kind
        if not self.ever and self.alike >= FIRST:
            raise WinnowError(
                f"{reply.failed_at}: the first {FIRST} requests failed: {reply.fault}"
            )
        if self.row >= ROW:
            raise WinnowError(
                f"{reply.failed_at}: {ROW} requests in a row failed, the last: {reply.fault}; the "
                "answers before them are kept, so a further run goes on from there"
            )
