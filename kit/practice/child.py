"""How a notebook starts a command of the practice CLI: as a process that Ctrl-C always ends.

A notebook's kernel ignores Ctrl-C while no cell runs, and a process that is started then ignores it too. So the first
thing that the process does is to listen to it again: until the program is loaded it ends without a word, as any program
does, and then the program itself decides.
"""

from __future__ import annotations

import sys

_START = (
    "import signal as s; s.signal(s.SIGINT, s.SIG_DFL); import sys; from kit.console import main; "
    "s.signal(s.SIGINT, s.default_int_handler); sys.exit(main())"
)

# The words before a command's own.
COMMAND = (sys.executable, "-c", _START, "confluent")
