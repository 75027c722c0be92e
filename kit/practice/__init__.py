"""The practice Confluent CLI: ``kit confluent ...``, with real Kafka clusters on this computer behind it.

A command is a function and one line that describes it. This is a whole one:

    def _count(context: Context, args: Sequence[str], flags: Flags) -> None:
        cluster = context.cluster(flags)                      # --cluster, or the one in use; its process runs
        settings = context.client_settings(cluster)           # kafka-python's settings with the API key in use
        if flags["limit"] < 1:
            raise CliError("`--limit` value must be greater than 0", "Leave it out for no limit.")
        context.print_object(flags, (Field("Topic", "topic"), Field("Records", "records")), {"topic": args[0], ...})

    COMMANDS = (
        Command("kafka topic count <topic>", "Count a topic's records.", _count,
                (Flag("limit", "Stop there.", "uint32", default=1000), CLUSTER, ENVIRONMENT, OUTPUT)),
    )

``<topic>`` must be given, ``[id]`` may, ``...`` allows any number. The framework reads the flags, counts the arguments,
checks ``required`` and ``choices``, prints help and usage, and turns every `CliError` into "Error: ..." and exit
status 1. A new file is added to ``_FILES`` in `kit.practice.program`; new groups (``kafka topic``) are listed in its
GROUPS. What a file imports at its head is loaded for every command: kafka-python is imported inside functions.
"""

from __future__ import annotations

from kit.practice.program import main

__all__ = ["main"]
