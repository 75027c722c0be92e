"""What the kit says when it cannot do what it was asked.

* `KitError`: every error of the kit.

  * `ArgumentError`: a value makes no sense where it was given; the text names those that do.
  * `StartError`: a cluster cannot start.
  * `ConnectError`: a cluster that exists cannot be reached, or not with these settings.
  * `ClusterClosedError`: the cluster is no longer there.
  * `FaultError`: a fault cannot be made as asked: no such broker, nothing to heal. Nothing has changed, unless the text
    says that something goes on: a broker that takes too long to stop, or to get into the cluster after a restart.
  * `NotSupportedError`: this kind of cluster cannot do it; the text names one that can.
  * `ScenarioError`: a scenario of `kit.scenarios` cannot be replayed here, or came to no end.
  * `DatagenError`: events of `kit.datagen` cannot be made or sent as asked.
  * `WorkersError`: workers of `kit.widgets.Workers` cannot do what is asked, `WorkersTimeoutError`: or not in time.
  * `ProgressError`: `kit.progress` cannot be read, exported or reset as asked.
  * `QuizError`: there is no such quiz, something in its file makes no sense, or an answer cannot be taken.
  * `PollError`: a poll cannot be opened, or what is asked of it makes no sense now.

Each text says what happened, where, and what to try next. How they look in a notebook: `kit.plain_errors`.
"""

from __future__ import annotations

from kit.plain_errors import rendered


class KitError(Exception):
    """Every error of the kit."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the learner's own lines and the sentence, without the frames inside the kit."""
        return rendered(self)


class ArgumentError(KitError, ValueError):
    """A value makes no sense where it was given."""


class StartError(KitError):
    """A cluster cannot start."""


class ConnectError(KitError):
    """A cluster that exists cannot be reached, or not with these settings."""


class ClusterClosedError(KitError):
    """The cluster is no longer there."""


class FaultError(KitError):
    """A fault cannot be made as asked; nothing has changed, unless the text says what goes on."""


class NotSupportedError(KitError):
    """This kind of cluster cannot do it."""


class ScenarioError(KitError):
    """A scenario of `kit.scenarios` cannot be replayed on this cluster, or came to no end."""


class QuizError(KitError):
    """There is no such quiz, something in its file makes no sense, or an answer cannot be taken."""


class PollError(KitError):
    """A poll cannot be opened, or what is asked of it makes no sense now."""


class DatagenError(KitError):
    """Events of `kit.datagen` cannot be made or sent as asked."""


class WorkersError(KitError, ValueError):
    """Workers of `kit.widgets.Workers` cannot do what is asked: too many, or none of that name."""


class WorkersTimeoutError(KitError, TimeoutError):
    """What was waited for takes too long."""


class ProgressError(KitError):
    """`kit.progress` cannot be read, exported or reset as asked."""
