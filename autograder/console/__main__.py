"""``python -m autograder.console``: the command ``autograder`` where no script is installed."""

import sys

from autograder.console import main

if __name__ == "__main__":  # workers import this module, too
    sys.exit(main())
