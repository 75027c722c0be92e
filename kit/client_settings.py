"""How clients reach a cluster: kafka-python's own settings, with the passwords in them hidden from every view.

``KafkaProducer(**cluster.client_settings)`` works, and so do the consumer and the admin client: only settings that
all three know are in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Self

from kit.client_properties import read_environment, read_properties
from kit.errors import ArgumentError

HIDDEN = "(hidden)"

_SECRET_NAMES = frozenset({"sasl_plain_password", "ssl_password"})


class Secret(str):
    """A password: a string to every client, and "(hidden)" to whoever looks at it or pickles it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (HIDDEN,)

    # A copy in this process is no way out of it.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self


class ClientSettings(Mapping[str, Any]):
    """Settings of a client in kafka-python's names, ``bootstrap_servers`` (comma-separated) among them.

    Args:
        settings: the settings; those that are passwords become `Secret`.
    """

    __slots__ = ("_settings",)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = {name: _hidden(name, value) for name, value in settings.items()}

    @classmethod
    def from_properties(cls, path: str | os.PathLike[str]) -> Self:
        """Those of a properties file in the names of Java's clients or librdkafka's.

        Raises:
            ConnectError: the file cannot be read, or a line of it makes no sense.
        """
        return cls(read_properties(path))

    @classmethod
    def from_environment(cls) -> Self:
        """Those that environment variables hold, `kit.client_properties` says which; none without an address."""
        return cls(read_environment())

    def shown(self) -> dict[str, Any]:
        """The settings as they may be shown and saved: "(hidden)" in place of every secret."""
        return {name: HIDDEN if isinstance(value, Secret) else value for name, value in self._settings.items()}

    def __getitem__(self, name: str) -> Any:
        return self._settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def __repr__(self) -> str:
        return f"ClientSettings({', '.join(f'{name}={value!r}' for name, value in self._settings.items())})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row"><code>{escape(name)}</code></th><td><code>{escape(str(value))}</code></td></tr>'
            for name, value in self.shown().items()
        )
        return f"<table><caption>Settings for Kafka clients</caption><tbody>{rows}</tbody></table>"

    def __reduce__(self) -> tuple[type[ClientSettings], tuple[dict[str, Any]]]:
        return ClientSettings, (self.shown(),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self


def settings_of(cluster: Any) -> ClientSettings:
    """How to reach a cluster; of anything that only has ``bootstrap_servers``, that alone."""
    settings = getattr(cluster, "client_settings", None)
    if settings is not None:
        return ClientSettings(settings)
    if not hasattr(cluster, "bootstrap_servers"):
        kind = type(cluster).__name__
        raise ArgumentError(f"A value of type {kind} is no cluster: give what kit.start() or kit.connect() returned.")
    return ClientSettings({"bootstrap_servers": cluster.bootstrap_servers})


def _hidden(name: str, value: Any) -> Any:
    return Secret(value) if name in _SECRET_NAMES and isinstance(value, str) else value
