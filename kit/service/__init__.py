"""Clusters in a process of their own that outlives whoever asked for it: a notebook, a terminal, one command.

* `start` starts one, and returns a `Service` when it answers.
* `running` and `find` look for those that run now; `Service.ask` talks to one, `Service.close` ends it.
* `clean` removes what is left of those that crashed; `users_of` tells which brokers have a folder.

What is known about each is in the kit's folder (`kit.service.folder`): ``$KIT_HOME``, or ``.kafka-kit`` in the home
folder. Nobody else can read it, and no password of a cluster's users is ever in it.
"""

from __future__ import annotations

from kit.service.left_overs import clean, users_of
from kit.service.service import Service, find, running
from kit.service.starting import start

__all__ = ["Service", "clean", "find", "running", "start", "users_of"]
