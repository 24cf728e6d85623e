import pytest
from sharprates.theory.proofs import euler_upper
from sharprates.theory.proofs.proof import Proof


@pytest.mark.parametrize("proof", euler_upper.PROOFS, ids=lambda it: f"{it.claim}: {it.says}")
def test_the_claim_is_proved_and_the_mutant_is_not(proof: Proof) -> None:
    assert proof.holds(False)
    assert not proof.holds(True)
