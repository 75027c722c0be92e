"""Runs one submission in a jail: a `Job` goes in, an `Outcome` comes out, and nothing else does.

`execute` is a plain function of data, for any `concurrent.futures.Executor`. `open_session` is for those who drive a
submission step by step, as the arena does.
"""

from autograder.execute.running import execute
from autograder.execute.session import Session, open_session

__all__ = ["Session", "execute", "open_session"]
