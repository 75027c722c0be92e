"""axe-core, which looks at a page for what keeps people out: missing names, weak contrast, wrong roles."""

from __future__ import annotations

import functools
from importlib import resources

from playwright.sync_api import Locator

SERIOUS = ("serious", "critical")


@functools.cache
def _axe() -> str:
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def serious_violations(part: Locator) -> list[str]:
    """What axe-core finds serious in a part of the page: the rule, the element, and what is wrong with it."""
    part.page.evaluate(_axe())
    found = part.evaluate(
        """async (part, impacts) => {
             const results = await axe.run(part, { resultTypes: ['violations'] });
             return results.violations.filter(each => impacts.includes(each.impact))
               .flatMap(each => each.nodes.map(node => `${each.id}: ${node.html} ${node.failureSummary}`)); }""",
        list(SERIOUS),
    )
    return list(found)
