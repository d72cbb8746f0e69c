"""What a person sees while the cluster starts: a line for each step, with its time."""

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

QUIET_SECONDS = 15.0


@contextmanager
def step(title: str) -> Generator[None]:
    """Say what is being done, that it still is, and how long it took."""
    started = time.monotonic()
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(title, started, done), daemon=True)
    ticker.start()
    outcome = "  (failed)"
    try:
        yield
        outcome = ""
    finally:
        done.set()
        ticker.join()
        _say(f"{title:<52} {time.monotonic() - started:6.1f} s{outcome}", last=True)


def _tick(title: str, started: float, done: threading.Event) -> None:
    """Move the line each second on a terminal; elsewhere a new line now and then."""
    period = 1.0 if sys.stdout.isatty() else QUIET_SECONDS
    while not done.wait(period):
        _say(f"{title:<52} {time.monotonic() - started:6.0f} s …", last=not sys.stdout.isatty())


def _say(line: str, *, last: bool) -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K  {line}", end="\n" if last else "", flush=True)
    else:
        print(f"  {line}", flush=True)
