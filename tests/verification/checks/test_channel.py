"""The brute-force processes against closed forms worked out by hand."""

from flint import fmpq
from sharprates.verification.checks import channel

HALF = fmpq(1, 2)


def test_masking_keeps_each_token_alone() -> None:
    law = channel.masked({(0, 1): fmpq(1)}, fmpq(1, 3), 2)
    assert law == {
        (0, 1): fmpq(1, 9),
        (0, 2): fmpq(2, 9),
        (2, 1): fmpq(2, 9),
        (2, 2): fmpq(4, 9),
    }


def test_masking_twice_has_the_right_ends() -> None:
    start = {(0,): fmpq(1, 4), (1,): fmpq(3, 4)}
    joint = channel.masked_twice(start, HALF, fmpq(1, 8), 2)
    late: dict[tuple[int, ...], fmpq] = {}
    for (_, state), mass in joint.items():
        late[state] = late.get(state, fmpq(0)) + mass
    assert late == channel.masked(start, fmpq(1, 8), 2)
    assert ((2,), (0,)) not in joint  # what was masked stays masked


def test_revealing_two_fair_copies_in_one_step() -> None:
    def predict(context: tuple[int, ...], place: int) -> list[fmpq]:
        other = context[1 - place]
        return [HALF, HALF] if other == 2 else [fmpq(int(a == other)) for a in range(2)]

    at_once = channel.revealed([fmpq(1)], 2, 2, predict)
    assert at_once == {(a, b): fmpq(1, 4) for a in range(2) for b in range(2)}
    law = channel.revealed([HALF, HALF], 2, 2, predict)
    assert law[0, 1] == fmpq(1, 8)  # both in one step, with chance ½
    assert channel.distance(law, {(0, 0): HALF, (1, 1): HALF}) == fmpq(1, 4)
    left = channel.revealed([fmpq(0), HALF], 2, 2, predict)
    assert left[2, 2] == fmpq(1, 4)
    assert sum(left.values()) == 1
