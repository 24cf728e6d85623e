"""Statistical tests with proved levels that say what they detect, and the budget they share."""
