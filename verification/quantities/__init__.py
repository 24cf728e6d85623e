"""The numbers that a claim compares, in three arithmetics, each asked for by its symbol's name."""
