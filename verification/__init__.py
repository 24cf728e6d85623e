"""Binds claims to measurements: exact laws, verdicts, searches, reports and the command line."""
