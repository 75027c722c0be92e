"""Live polls whose votes are records: the topic is the whole state, and each view is a consumer of it.

The records are described in docs/reference/poll.md.
"""

from kit.polls.feedback_view import feedback
from kit.polls.poll_view import poll
from kit.polls.voting import vote

__all__ = ["feedback", "poll", "vote"]
