"""``kit down``: ends a cluster that runs in another terminal, or on its own."""

from __future__ import annotations

from kit.console.words import Parser, did_you_mean, fail, say

_TEXT = """\
End a cluster that `kit up` or the practice CLI started, and wait until nothing of it is left.
Without a name: the one that `kit up` runs, if there is only one."""


def parser() -> Parser:
    """What ``kit down`` understands."""
    made = Parser(
        "kit down", _TEXT, [("kit down", "ends the only one"), ("kit down up-9092", "ends the one of that name")]
    )
    which = made.add_mutually_exclusive_group()
    which.add_argument("name", nargs="?", help="as `kit up` or `kit doctor` shows it")
    which.add_argument("--all", action="store_true", help="end all that `kit up` started")
    return made


def run(argv: list[str]) -> int:
    """End one cluster, or all; returns the exit status."""
    options = parser().parse(argv)

    from kit import service
    from kit.errors import KitError

    every = service.running()
    ups = [each for each in every if each.kind == "up"]
    if options.name is not None:
        chosen = [each for each in every if each.name == options.name]
    else:
        chosen = ups if options.all or len(ups) == 1 else []
    if not chosen:
        if options.name is None and not ups:
            say("No cluster of `kit up` runs.")
            _mention_crashed()
            return 0
        return fail(_why_none(options.name, [each.name for each in (every if options.name else ups)]))
    try:
        for each in chosen:
            each.close()
            say(f"Ended {each.name}.")
    except KitError as error:
        return fail(str(error))
    return 0


def _mention_crashed() -> None:
    from kit.service import folder

    for name in folder.crashed():
        say(f"The cluster {name} has crashed: `kit doctor --clean` removes what it left.")


def _why_none(name: str | None, names: list[str]) -> str:
    listed = f"{', '.join(names)} {'run' if len(names) > 1 else 'runs'}" if names else "none runs"
    if name is None:
        return f"{listed}: say which one, as in `kit down {names[0]}`, or `kit down --all`."
    from kit.service import folder

    if name in folder.crashed():
        return f"The cluster {name} does not run any more, it crashed: `kit doctor --clean` removes what it left."
    return f"No cluster of the name {name!r} runs{did_you_mean(name, names)}: {listed}."
