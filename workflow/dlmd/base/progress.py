"""Progress lines for logs: tqdm's text, one line at a time, because a log file is no terminal."""

from __future__ import annotations

import time
from typing import TextIO


class Progress:
    """Prints `title: 40%|####      | 200/500 [00:31<00:46, 6.4 steps/s] note` at most every `interval_s`."""

    def __init__(
        self,
        stream: TextIO | None,
        *,
        title: str,
        total: int,
        start: int = 0,
        unit: str = " steps",
        interval_s: float = 10.0,
    ):
        self.stream, self.title, self.total, self.start, self.unit = stream, title, total, start, unit
        self.interval_s = interval_s
        self.begun = self.last = time.monotonic()

    def update(self, done: int, note: str = "") -> None:
        """Report that `done` of `total` are done; printed when it is time, and always at the end."""
        now = time.monotonic()
        if self.stream is None or (done < self.total and now - self.last < self.interval_s):
            return
        from tqdm import tqdm

        self.last = now
        line = tqdm.format_meter(
            done,
            self.total,
            now - self.begun,
            ncols=100,
            ascii=" #",
            unit=self.unit,
            prefix=self.title,
            postfix=note,
            initial=self.start,
        )
        print(line, file=self.stream, flush=True)
