"""Which submissions are alike: everything is computed here, on this computer, and a person draws the conclusions.

Code is compared by the structure of its syntax tree, so new names, comments and another order of functions hide
nothing; what students were given does not count. See `winnowing` for the method.
"""

from autograder.similarity.comparing import Comparison, Pair, Thresholds, compare, examine
from autograder.similarity.matching import Match

__all__ = ["Comparison", "Match", "Pair", "Thresholds", "compare", "examine"]
