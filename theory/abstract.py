"""What the abstract of arXiv 2602.22505 promises; its body is not read here."""

PROMISES = {
    "A1": "a direct TV analysis of Euler, by an error decomposition along the trajectory",
    "A2": "relaxed assumptions on score estimation",
    "A3": "improved parameter dependencies",
    "A4": "no surrogate initialization",
    "A5": "the first lower bound for Euler, tight in d and ε",
    "A6": "first hitting incurs no sampling error beyond score estimation",
    "A7": "a matching lower bound for first hitting",
}
"""Name in a `Provenance` → the promise, in words of ours."""
