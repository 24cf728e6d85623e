"""Makes the book's extension and its pages' kit importable, as the book's build does."""

import sys
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"

for folder in (BOOK / "_ext", BOOK, Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
