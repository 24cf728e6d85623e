"""Tests, and what they share; a package, so that no installed `tests` is taken for it."""
