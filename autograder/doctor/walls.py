"""What contains each case of the hostile set: the one list of all of them, in the order in which they are tried."""

from __future__ import annotations

# Group -> what contains it -> the names of the cases. A strong rung has every wall; docs/reference/jail.md says which.
WALLS: dict[str, dict[str, str]] = {
    "reaching": {
        "Kernels are forked from a process that never held a secret": (
            "zygote-memory environment first-environment arguments descriptors"
        ),
        "Notebook and tests are not in the student's folder": "hidden-tests",
        "An empty root in memory, the system for reading only; or Landlock": (
            "write-system device answers-of-others read-solution copy-classmate read-gradebook write-gradebook "
            "write-source rename-source symbolic-link hard-link descriptor-path named-socket change-modes "
            "change-course leave-for-the-next"
        ),
        "No capabilities, no new ones, and a filter of system calls": (
            "mount set-clock become-root raw-network memory-file shared-memory new-user-namespace keys-of-the-user "
            "gain-rights"
        ),
        "A network of its own with nothing in it; or Landlock for TCP and the filter for the rest": (
            "network network-by-program abstract-socket"
        ),
        "Processes of its own: no others to see; or Landlock's scopes and the filter": (
            "other-root other-folder signal-bystander signal-grader trace-bystander limit-bystander slow-down-others "
            "read-memory read-environment scan-processes"
        ),
    },
    "spending": {
        "The grader's clock for a cell: interrupted, then ended": (
            "infinite-loop ignore-interrupts tampered-clock wait-for-input"
        ),
        "The grader's clock for the whole submission": "many-slow-cells",
        "Finished cells are kept outside of the kernel": "os-exit kill-itself crash",
        "Limits of memory, for a process and for all together": "two-gigabytes memory-of-many",
        "Limits of a file and of the folder in memory": "large-file many-files million-files",
        "A limit of processes": "fork-bomb",
        "The first process of the jail ends, and with it all others": "orphans refuse-to-die",
        "Outputs are counted where they leave the kernel, and again by the grader": (
            "hundred-megabytes-in-a-line lines-without-end million-outputs million-flushes write-past-python "
            "million-widgets million-updates huge-display"
        ),
        "Only frames of JSON of a known shape and size are read": "bad-message speak-to-the-grader",
        "Nothing of a submission is left for the next": "the-next-submission",
    },
    "forging": {
        "The answer crosses as JSON and is compared outside": (
            "equal-to-everything number-equal-to-all text-for-a-number every-answer pickle-bomb not-a-number "
            "endless-answer deep-answer huge-answer"
        ),
        "The judge asks the function; what IPython was made to say is not asked": (
            "drop-the-asserts forged-displayhook replaced-run-cell swallowed-errors leave-without-answer"
        ),
        "What is sent has the grader's own frame round it": "poisoned-json json-with-code",
        "Questions come when the cells have run; right answers never do": "read-the-history search-the-memory",
        "The judge is another process": "patch-the-judge",
        "Nothing: it is honest, and has all points": "honest-work honest-work-with-warnings",
    },
    "handing_in": {
        "Each cell is compared with the released notebook and repaired": (
            "tampered-tests thousand-points deleted-tests duplicated-cell metadata-stripped old-format unlocked-test "
            "test-as-text skipped-by-tag"
        ),
        "JSON is read with limits, and refused in one line": (
            "broken-json empty-file deep-json zip-as-notebook numbers-that-are-none"
        ),
        "Only ordinary files with one name are read, by descriptor, no link followed": (
            "linked-notebook linked-file linked-folder hard-link-handed-in fifo fifo-beside"
        ),
        "Names are looked at first": (
            "name-with-colours name-turned-round name-that-leads-out name-in-two-lines file-in-the-way"
        ),
        "Sizes, numbers and depth are bounded before anything is read": (
            "fifty-megabytes too-many-files deep-folders large-file-handed-in"
        ),
        "A time of submission is read as one, or not at all": "poisoned-time",
        "Nothing: it is honest, and no line is said": "honest-notebook",
        "No name is ever given to a shell": "shell-in-a-student-id",
    },
    "showing": {
        "HTML is written anew with the few tags of a list, each closed": (
            "script-in-an-output event-in-an-output frame-in-an-output program-as-address cover-of-the-page "
            "page-that-is-swallowed box-that-is-left fetch-from-elsewhere html-of-many-levels"
        ),
        "Only some kinds of outputs are kept, and pictures that are pictures": (
            "javascript-output svg-output picture-that-is-none latex-output widget-output"
        ),
        "Markdown with anything but text, formulas, pictures and links is shown as its characters": (
            "markdown-output script-in-an-answer address-in-an-answer picture-from-elsewhere page-of-the-server "
            "picture-that-is-missing heading-with-the-id-of-a-mark program-in-a-drawing"
        ),
        "What becomes a class of the page is one plain word": "tag-that-is-a-class",
        "Everything of a student's is escaped": "html-in-a-reason",
        "Control characters are taken out, or written as such": (
            "title-of-the-terminal colours-in-a-line line-break-in-a-name turned-round-name"
        ),
        "Cells of a table never begin like a formula": "formula-in-a-name command-in-a-name",
        "A deck is looked at as an archive first, within limits": (
            "deck-that-is-a-zip-bomb deck-with-many-files deck-with-names-that-lead-out deck-with-entities "
            "deck-that-is-a-program"
        ),
        "A page is drawn with its texts and without them": "deck-with-white-words deck-with-words-without-ink",
        "A deck is read by a process of its own, walled in": "deck-that-breaks-off deck-of-a-deep-pdf",
    },
    "clusters": {
        "Brokers go on, whatever clients do": "play-to-the-end",
        "Brokers refuse what only brokers say, and note who said it": (
            "forged-requests-of-brokers fetch-as-a-broker answers-to-forged-requests"
        ),
        "Every request that changes the cluster is in the evidence": (
            "delete-records cut-the-log delete-topics alter-configs points-after-tampering"
        ),
        "Commits are compared with what was fetched": "commit-without-reading",
        "Records are compared with what the student's client was to write": "records-of-another-client",
        "What a client says counts only when the log says it, too": "monkeypatched-client",
        "Brokers and their control are outside of the jail; only the brokers' ports lead there": (
            "control-channel other-ports"
        ),
    },
}


def names(group: str) -> list[str]:
    """The cases of a group."""
    return [name for listed in WALLS[group].values() for name in listed.split()]


def wall(group: str, name: str) -> str:
    """What contains a case.

    Raises:
        KeyError: there is none of that name.
    """
    for held, listed in WALLS[group].items():
        if name in listed.split():
            return held
    raise KeyError(name)
