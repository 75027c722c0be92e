"""Kernels for students' notebooks: a warm process that forks them, and what each says and is told.

`start` gives a `Kernel`, which lives in a jail. Only JSON comes out of it, in pieces of limited size.
"""

from autograder.kernel.frames import FrameError, Frames, decode
from autograder.kernel.handle import Ended, Kernel, start

__all__ = ["Ended", "FrameError", "Frames", "Kernel", "decode", "start"]
