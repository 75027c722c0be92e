"""The docker backend: Apache Kafka itself, one container for each node, on the Docker engine of this computer.

Only `engine`, `image` and `node_container` know the libraries that talk to Docker, and they load them when needed:
``import kit`` stays fast, and the reaper's process small.
"""

from __future__ import annotations

from kit.backends.docker.backend import DockerBackend

__all__ = ["DockerBackend"]
