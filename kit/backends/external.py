"""The external backend: a cluster that somebody else runs, reached as every client reaches it.

What the Kafka protocol tells is shown; nothing can be harmed, because the cluster is there for others too.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from kit.backends import Broker
from kit.backends.broker_link import DESCRIBE_QUORUM, METADATA, BrokerLink, LinkError, Step, connected
from kit.backends.link_causes import explain, look, refusal
from kit.client_settings import ClientSettings
from kit.connect_settings import addresses_of, tls_context
from kit.errors import ClusterClosedError, ConnectError, NotSupportedError
from kit.wire import messages as m

_FRESH_S = 0.2  # widgets ask several times a second, in several threads
_ANSWER_TIMEOUT_S = 3.0
_REACH_TIMEOUT_S = 3.0
_EXPLAIN_S = 3.0  # for looking what an address speaks after a failure
_METADATA_LOG = "__cluster_metadata"


class ExternalBackend:
    """A connection to an existing cluster.

    Args:
        settings: of the clients, already checked (`kit.connect_settings.merged_settings`).
        timeout_s: how long connecting may take.

    Raises:
        ConnectError: it cannot be reached, or not with these settings; the text says why and what to try next.
    """

    name = "external"
    data_dir: str | None = None

    def __init__(self, settings: ClientSettings, *, timeout_s: float) -> None:
        self._settings = settings
        self._context = tls_context(settings) if "SSL" in settings["security_protocol"] else None
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._owner_pid = os.getpid()
        self._is_closed = False
        self._known: dict[int, tuple[str, int]] = {}
        self._listed: set[int] = set()
        self._out_of_reach: set[int] = set()
        self._looked_at_s = -_FRESH_S
        give_up_s = time.monotonic() + timeout_s
        self._link: BrokerLink | None = self._first_link(give_up_s)
        try:
            self._check_advertised()
        except BaseException:
            self.close()
            raise

    # -- connecting --------------------------------------------------------------------------------------------------

    def _first_link(self, give_up_s: float) -> BrokerLink:
        """Connect to the first of the addresses that works; what failed last is told, as the others say less."""
        addresses = addresses_of(self._settings)
        worst: tuple[LinkError, str, int] | None = None
        for number, (host, port) in enumerate(addresses):
            now_s = time.monotonic()
            until_s = now_s + max(give_up_s - now_s, 0) / (len(addresses) - number)
            try:
                return self._asked(host, port, until_s)
            except LinkError as error:
                if worst is None or error.step > worst[0].step:
                    worst = error, host, port
        if worst is None:
            raise ConnectError('bootstrap_servers is empty: write "host:9092".')
        raise ConnectError(self._why(*worst, len(addresses) - 1))

    def _asked(self, host: str, port: int, give_up_s: float) -> BrokerLink:
        link = BrokerLink(host, port, self._settings, self._context, give_up_s)
        try:
            self._learn(link, give_up_s)
        except BaseException:
            link.close()
            raise
        return link

    def _why(self, error: LinkError, host: str, port: int, num_others: int = 0) -> str:
        text = explain(error, host, port, self._settings, lambda: look(host, port, min(_EXPLAIN_S, self._timeout_s)))
        more = "1 more address" if num_others == 1 else f"{num_others} more addresses"
        return f"{text} ({more} did not work either.)" if num_others else text

    def _check_advertised(self) -> None:
        """Clients go on to the addresses that the brokers tell them, so one of those must work too."""
        with ThreadPoolExecutor(max_workers=16) as pool:
            give_up_s = time.monotonic() + min(_REACH_TIMEOUT_S, self._timeout_s)
            reached = pool.map(lambda at: _is_reached(at, give_up_s), self._known.values())
            self._out_of_reach = {node_id for node_id, ok in zip(self._known, reached, strict=True) if not ok}
        usable = [node_id for node_id in self._known if node_id not in self._out_of_reach]
        if not usable:
            raise ConnectError(self._why_not_advertised())
        host, port = self._known[usable[0]]
        try:
            BrokerLink(host, port, self._settings, self._context, time.monotonic() + self._timeout_s).close()
        except LinkError as error:
            raise ConnectError(
                f"{self._settings['bootstrap_servers']} answers, but a broker that it names does not work: "
                f"{self._why(error, host, port)}"
            ) from None

    def _why_not_advertised(self) -> str:
        told = ", ".join(f"{host}:{port}" for host, port in self._known.values())
        return (
            f"{self._settings['bootstrap_servers']} answers, but it tells clients to go on to {told}, "
            "and nothing can be reached there from here. Who runs the cluster sets advertised.listeners to an address "
            "that is right for you; for a broker in Docker on this computer that is localhost and the published port."
        )

    # -- what there is -----------------------------------------------------------------------------------------------

    @property
    def client_settings(self) -> ClientSettings:
        """As they were given."""
        return self._settings

    def brokers(self) -> list[Broker]:
        """The brokers that were ever listed in the metadata; those that are listed now live.

        Who refuses the login lives: then the last list stays as it is, and `ask` and the topics tell why.
        """
        with self._lock:
            is_ours = not self._is_closed and os.getpid() == self._owner_pid
            is_fresh = self._listed and time.monotonic() - self._looked_at_s <= _FRESH_S
            if is_ours and not is_fresh:
                self._refresh()
            return [
                Broker(node_id, host, port, is_alive=node_id in self._listed - self._out_of_reach)
                for node_id, (host, port) in sorted(self._known.items())
            ]

    def _refresh(self) -> None:
        try:
            self._with_link(lambda link: self._learn(link, time.monotonic() + _ANSWER_TIMEOUT_S))
        except ConnectError:
            self._looked_at_s = time.monotonic()
        except LinkError:
            self._listed = set()
            self._looked_at_s = time.monotonic()

    def _learn(self, link: BrokerLink, give_up_s: float) -> None:
        """Ask who belongs to the cluster."""
        answer = link.ask(METADATA, m.MetadataRequest(topics=[]), give_up_s)
        listed = {broker.node_id: (broker.host, broker.port) for broker in answer.brokers}
        if not listed:
            raise LinkError(Step.ASK)
        self._known |= listed
        self._listed = set(listed)
        self._out_of_reach &= self._listed  # who went and comes back gets another chance
        self._looked_at_s = time.monotonic()

    def _with_link(self, act: Callable[[BrokerLink], Any]) -> Any:
        """Do something over the connection that there is, or else over a new one to any broker.

        Raises:
            LinkError: nobody answers.
            ConnectError: brokers answer, but let nobody in with these settings any more.
        """
        if self._link is not None:
            try:
                return act(self._link)
            except LinkError:
                self._drop_link()
        addresses = list(dict.fromkeys([*self._known.values(), *addresses_of(self._settings)]))
        give_up_s = time.monotonic() + _ANSWER_TIMEOUT_S
        refused: str | None = None
        for host, port in addresses:
            if time.monotonic() < give_up_s:
                try:
                    self._link = BrokerLink(host, port, self._settings, self._context, give_up_s)
                    return act(self._link)
                except LinkError as error:
                    self._drop_link()
                    refused = refused or refusal(error, host, port, self._settings)
        if refused is not None:
            raise ConnectError(refused)
        raise LinkError(Step.CONNECT)

    def _drop_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _controller(self) -> int | None:
        """The active controller; None when nobody answers or the user may not know; raises as `ask`."""
        request = m.DescribeQuorumRequest(
            topics=[m.DescribeQuorumRequest.TopicData(
                topic_name=_METADATA_LOG, partitions=[m.DescribeQuorumRequest.PartitionData(partition_index=0)]
            )]
        )  # fmt: skip

        def ask(link: BrokerLink) -> int | None:
            answer = link.ask(DESCRIBE_QUORUM, request, time.monotonic() + _ANSWER_TIMEOUT_S)
            leaders = [each.leader_id for topic in answer.topics for each in topic.partitions if not each.error_code]
            return leaders[0] if leaders and not answer.error_code and leaders[0] >= 0 else None

        with self._lock:
            if self._is_closed:
                return None
            try:
                found: int | None = self._with_link(ask)
            except LinkError:
                return None
            return found

    # -- what cannot be done to it -----------------------------------------------------------------------------------

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ARG002 - Backend's
        """Tell the state; refuse everything else.

        Raises:
            NotSupportedError: it would change the cluster, or only a backend that runs the brokers could know it.
            ConnectError: the brokers let nobody in with these settings any more.
        """
        if os.getpid() != self._owner_pid:
            raise ClusterClosedError(f"The connection belongs to process {self._owner_pid}: connect here too.")
        if command != "state":
            self._refuse(command)
        return {"controller": self._controller()}

    def add_hook(self, api_key: int, decide: Callable[[Mapping[str, Any]], Any]) -> int:  # noqa: ARG002 - Backend's
        """Refuse.

        Raises:
            NotSupportedError: always.
        """
        self._refuse("on_request")

    def remove_hook(self, number: int) -> None:
        """Do nothing: there is no hook."""

    def _refuse(self, command: str) -> NoReturn:
        raise NotSupportedError(
            f"{command}() is not for an existing cluster such as the one at {self._settings['bootstrap_servers']}: "
            "it cannot be harmed or looked into from here. kit.start(...) gives you one of your own that can."
        )

    def why_gone(self) -> str | None:
        """None: it is not ours, and may come back at any time."""
        return None

    def close(self) -> None:
        """Close the connection; the cluster is left alone."""
        if os.getpid() != self._owner_pid:
            return
        with self._lock:
            self._is_closed = True
            self._drop_link()
            self._listed = set()


def _is_reached(address: tuple[str, int], give_up_s: float) -> bool:
    try:
        connected(*address, give_up_s).close()
    except LinkError:
        return False
    return True
