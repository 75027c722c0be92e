"""Notebooks in a real browser.

A package, so that Chromium ends with the last of them: until then Playwright keeps an event loop running in this thread.
"""
