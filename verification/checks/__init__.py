"""The executed checks of every claim; see `verification.checks.registry`."""
