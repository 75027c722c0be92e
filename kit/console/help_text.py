"""What ``kit --help`` says."""

from __future__ import annotations

from collections.abc import Mapping

_HEAD = """\
Learn Apache Kafka by doing: clusters on your own computer, without Docker and without an account.

usage: kit COMMAND [OPTIONS]        kit COMMAND --help tells more about one
"""

_EXAMPLES = """\
examples:
  kit doctor                           does everything work here?
  kit up                               three brokers at 127.0.0.1:9092, until Ctrl-C
  kit up --data kafka-data             the same, and the records are still there tomorrow
  kit lab                              open the labs

In a notebook, kit.start() gives a cluster of its own, and kit.connect("127.0.0.1:9092") the one of `kit up`.

Topics, groups, settings, records: kafka-python, which the labs use, has commands for them:
  python -m kafka.admin -b 127.0.0.1:9092 topics list
  python -m kafka.producer -b 127.0.0.1:9092 -t listens
  python -m kafka.consumer -b 127.0.0.1:9092 -t listens
Their --help tells more.

Exit status: 0 done, 1 it could not be done, 2 the command line makes no sense.
Clusters that run are noted in ~/.kafka-kit, or in the folder that the environment variable KIT_HOME names."""


def overview(commands: Mapping[str, str]) -> str:
    """The help for the command without a word behind it."""
    width = max(map(len, commands)) + 2
    lines = [f"  {name:{width}}{what}" for name, what in commands.items()]
    lines.append(f"  {'--version':{width}}show the versions of the kit and of Python")
    return f"{_HEAD}\ncommands:\n" + "\n".join(lines) + f"\n\n{_EXAMPLES}"
