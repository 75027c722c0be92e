"""How much longer nodes wait for one another while links are slow on purpose.

The timers of our clusters are short, because nothing is slow on one computer. So whoever waits for others waits longer
by the slowest round trip when somebody slows links down, and a slow link makes a slow cluster, not a broken one. But
nobody waits longer than with Kafka's own timers: what a slow link breaks there breaks here too.
"""

from __future__ import annotations

from kit.broker.config.broker_settings import BROKER_SETTINGS


def extra_ms(setting: str, timeout_ms: float, slack_ms: float) -> float:
    """What is to be added to a timeout.

    Args:
        setting: whose value in Kafka is the limit.
        timeout_ms: its value here.
        slack_ms: how much longer than usual a request and its answer may take: `kit.broker.network.Network.slack_ms`.
    """
    if slack_ms <= 0:
        return 0.0
    return max(0.0, min(slack_ms, float(BROKER_SETTINGS[setting].default or 0) - timeout_ms))
