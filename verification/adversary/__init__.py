"""Worst instances: hunted, decided exactly, kept as witnesses; how far a constant can move."""
