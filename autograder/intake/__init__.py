"""The first look at a submission: nothing of it is ever executed, and no link in it is followed.

`examine` reads a submission folder, compares its notebooks cell by cell with the *release* version (what students were
given), and repairs a copy in memory. Whatever an instructor should know is one plain line each; honest work has none.
"""

from autograder.intake.examination import Intake, examine
from autograder.intake.flags import Flag, Kind
from autograder.intake.limits import Limits
from autograder.intake.release import ReleaseError

__all__ = ["Flag", "Intake", "Kind", "Limits", "ReleaseError", "examine"]
