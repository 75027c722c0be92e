"""Set the project up and do one thing with it: ``python tasks.py lab`` or ``python tasks.py test``.

The Makefile calls this file, so both ways do the same. It is kept in words that any Python can read, because an old
Python must get as far as the sentence below.
"""

import sys

NEEDED = (3, 11)

if sys.version_info < NEEDED:
    sys.exit(
        "This project needs Python 3.11 or newer, and this is Python %d.%d (%s). "
        "Install a newer one and name it: `make lab PYTHON=python3.12`, or `python3.12 tasks.py lab`."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from tools.commands import main  # noqa: E402 - an old Python cannot read it

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
