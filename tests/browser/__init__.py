"""Notebooks in a real browser.

A package, so that Chromium ends with its last test: until then Playwright keeps an event loop running in this thread.
"""
