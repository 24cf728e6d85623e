"""A false claim of one's own: E9's d/4, which is for S = 2, for every S.

Run `sharprates verify --claim book.examples.false_claim:QUARTER`.
"""

from sharprates import Claim, Kind, Measured, Relation, symbol
from sharprates.theory.hypotheses import EQUAL_STEPS, EXACT, STEP_LAW

QUARTER = Claim(
    id="QUARTER",
    title="A quarter of the length over the steps",
    statement=r"Equal steps, any $S$: "
    r"$\mathrm{TV}(p_{\mathrm{out}},q_0)\le\frac d{4K}$.",
    measured=Measured.TV,
    kind=Kind.CONJECTURE,
    relation=Relation.UPPER,
    expression=symbol("d") / (4 * symbol("K")),
    hypotheses=(STEP_LAW, EXACT, EQUAL_STEPS),
)
