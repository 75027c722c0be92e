"""What a notebook shows: live views of a cluster, and forms that act on it.

Every widget takes a cluster (anything with ``bootstrap_servers``) and talks Kafka to it, so it shows what is there.
"""

from kit.widgets.failure_matrix import FailureMatrix
from kit.widgets.groups import GroupsAndLag
from kit.widgets.hash_wheel import HashWheel
from kit.widgets.lab_map import LabMap
from kit.widgets.live_view import ClusterView, cluster_view
from kit.widgets.log_inspector import LogInspector
from kit.widgets.outcome_table import OutcomeTable
from kit.widgets.partition_chart import PartitionChart
from kit.widgets.producer_panel import ProducerPanel
from kit.widgets.project_form import ProjectForm
from kit.widgets.record_view import RecordView
from kit.widgets.side_by_side import SideBySide
from kit.widgets.sizing_estimator import SizingEstimator
from kit.widgets.terminals import Terminals
from kit.widgets.throughput_chart import ThroughputChart
from kit.widgets.topics import NameLinter, TopicBrowser, TopicForms
from kit.widgets.traffic import Traffic
from kit.widgets.workers import Workers

__all__ = [
    "ClusterView",
    "FailureMatrix",
    "GroupsAndLag",
    "HashWheel",
    "LabMap",
    "LogInspector",
    "NameLinter",
    "OutcomeTable",
    "PartitionChart",
    "ProducerPanel",
    "ProjectForm",
    "RecordView",
    "SideBySide",
    "SizingEstimator",
    "Terminals",
    "ThroughputChart",
    "TopicBrowser",
    "TopicForms",
    "Traffic",
    "Workers",
    "cluster_view",
]
