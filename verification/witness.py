"""Witnesses: small text files that hold one exact instance and what it shows about a claim.

A witness stores fractions, never floats, and what was measured on it. `replay` computes everything
again from the instance and the claim; a file that was changed, or that does not give what it says,
is refused. The format, a line a fact, in this order::

    sharprates-witness 1
    # free text for a reader
    claim: E3
    variant: uniform                      (left out: the main form)
    scale: E3.constant=99/100             (one line a scaled constant)
    measure: tv                           (a name in NAMES, or own)
    vocabulary: 2
    row: 0 0 0 = 1/2                      (one line a support row, with its weight)
    family: copies d=3 S=2                (if q_0 is of a built-in family)
    steps: 1/2 1/4                        (step law; or one of the next three)
    equal: 7                              (equal steps with K = 7)
    blocks: 1 2                           (block sizes)
    grid: euler constant 5 8 leave        (rule, clock, horizon, K, leave or fill)
    prediction: 0 _ _ @ 1 = 1/3 2/3       (p̂ at a context, where it is not the exact conditional)
    relation: upper                       (of the claim's form; left out in older files)
    measured: 1/2                         (inf for a divergence without support)
    bound: 99/200                         (two decimals that enclose it, if not rational or long)
    verdict: fails
    sha256: …                             (of all lines above)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from sharprates.samplers import families
from sharprates.samplers.errors import InputError
from sharprates.samplers.family import Family
from sharprates.samplers.rational import read_rational, writable
from sharprates.samplers.reading import file_size, read_bytes
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import Interval
from sharprates.verification.decide import Scale, decide
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context
from sharprates.verification.experiment import Experiment
from sharprates.verification.files import write_whole
from sharprates.verification.journal import VALUES
from sharprates.verification.quantities.base import LEFT_SIDES
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.verdict import Decision, Verdict

HEADER = "sharprates-witness 1"
LARGEST = 1 << 20
"""Longest file that is read, in bytes; a witness has some hundred lines."""

LARGEST_WORK = 5_000_000
"""Most products of words, N·max(3^d, 2^d·d·S) times their length, of an instance: ten seconds."""

MOST_STEPS = 100_000
"""Largest K of a witness."""

DIGITS = 30
"""Decimal places of the enclosure that is stored where a number is not rational, or too long."""

LeftSide = Callable[[ExactQuantities], Number]
"""The left side of a user's claim."""

NAMES = {
    **{"tv": "tv", "kl": "kl", "first_order": "first-order", "off_support": "off-support"},
    "epsilon_FHS": "score-error",
}
"""Name of a left side in `quantities` → in a file."""


def name_of(claim: Claim, variant: str | None = None) -> str:
    """The name of a claim's left side in a file; ``own`` if it is a user's function."""
    return NAMES.get(LEFT_SIDES.get(claim.left_side(variant), ""), "own")


class WitnessError(InputError):
    """A witness file that cannot be read, was changed, or does not show what it says."""


@dataclass(frozen=True)
class Witness:
    """What a file holds.

    Attributes:
        claim: id of the claim.
        experiment: on which it was decided; exact.
        measure: name of the left side, a value of `NAMES` or ``own``.
        decision: what was found.
        variant: form of the claim.
        scale: factors on its constants.
        remark: free text, a line each.
    """

    claim: str
    experiment: Experiment
    measure: str
    decision: Decision
    variant: str | None = None
    scale: Mapping[str, Fraction] = field(default_factory=dict)
    remark: tuple[str, ...] = ()


def refuse_large(experiment: Experiment) -> None:
    """Refuse an experiment that takes long to be decided exactly.

    Raises:
        InputError: naming its size.
    """
    n, d, S = len(experiment.rows), experiment.length, experiment.vocabulary
    laws = (experiment.weights, *experiment.predictions.values())
    # a sum over rows has the common denominator of all their weights
    digits = math.lcm(*{one.denominator for law in laws for one in law}).bit_length()
    # sums of steps have a common denominator, which may be long
    words = 1 + sum(one.bit_length() for one in {w.denominator for w in experiment.steps}) // 64
    if (len(experiment.steps) << d) * words > LARGEST_WORK:
        raise InputError(
            f"experiment: {len(experiment.steps)} steps with these denominators are too many to "
            "decide exactly: take fewer, or shorter rows"
        )
    if n * max(3**d, 2**d * d * S) * (1 + digits // 32) > LARGEST_WORK:
        raise InputError(
            f"experiment: {n} rows of length {d} on {S} symbols, with fractions of {digits} bits, "
            "are too much to decide exactly: take fewer or shorter rows, fewer symbols, or shorter "
            "fractions"
        )


def decide_on(
    claim: Claim,
    experiment: Experiment,
    *,
    variant: str | None = None,
    scale: Scale | None = None,
    left: LeftSide | None = None,
) -> Decision:
    """Decide a claim on an instance: in fractions if all is rational, else in balls.

    Args:
        claim: see `decide`.
        experiment: exact and small, d ≤ 6 or so.
        variant: form of the claim.
        scale: factors on its constants.
        left: the left side of a user's claim.

    Raises:
        InputError: if the claim needs a value that an instance does not have, or the instance is
            too large to be decided exactly.
    """
    refuse_large(experiment)
    return decide(claim, lambda: ExactQuantities(experiment), variant, scale, left)


def make(
    claim: Claim,
    experiment: Experiment,
    *,
    variant: str | None = None,
    scale: Scale | None = None,
    remark: tuple[str, ...] = (),
    left: LeftSide | None = None,
) -> Witness:
    """A witness of what `decide_on` finds; `remark` is lines for a reader."""
    decision = decide_on(claim, experiment, variant=variant, scale=scale, left=left)
    name = name_of(claim, variant)
    return Witness(claim.id, experiment, name, decision, variant, dict(scale or {}), remark)


# --- text -----------------------------------------------------------------------------------------


def _decimal(value: Fraction, up: bool) -> str:
    """The nearest number of DIGITS decimal places that is not below (up) or not above `value`."""
    scaled = value * 10**DIGITS
    whole = -((-scaled.numerator) // scaled.denominator) if up else scaled.__floor__()
    sign, digits = "-" if whole < 0 else "", str(abs(whole)).rjust(DIGITS + 1, "0")
    return f"{sign}{digits[:-DIGITS]}.{digits[-DIGITS:]}"


def _show(value: Interval) -> str:
    if value.lower == math.inf:
        return "inf"
    lower, upper = Fraction(value.lower), Fraction(value.upper)
    if lower == upper and writable(lower):
        return str(lower)
    return f"{_decimal(lower, False)} {_decimal(upper, True)}"


def _words(values: tuple[Any, ...]) -> str:
    return " ".join(map(str, values))


def _context(context: Context, vocabulary: int) -> str:
    return " ".join("_" if x == vocabulary else str(x) for x in context)


def experiment_lines(experiment: Experiment) -> list[str]:
    """An exact experiment as the lines of a file."""
    lines = [f"vocabulary: {experiment.vocabulary}"]
    pairs = zip(experiment.rows, experiment.weights, strict=True)
    lines += [f"row: {_words(row)} = {weight}" for row, weight in pairs]
    family, steps, grid = experiment.target.family, experiment.steps, experiment.grid
    if family is not None:
        lines.append(f"family: {_words((family.name, *_named(family)))}")
    if steps and set(steps) == {Fraction(1, len(steps))}:
        lines.append(f"equal: {len(steps)}")
    elif steps:
        lines.append(f"steps: {_words(steps)}")
    if experiment.blocks:
        lines.append(f"blocks: {_words(experiment.blocks)}")
    if grid is not None:
        name, last = f"{grid.rule_name} {grid.chosen.name}", grid.last_step
        lines.append(f"grid: {name} {grid.horizon} {grid.steps} {last}")
    for (context, place), law in sorted(experiment.predictions.items()):
        shown = _context(context, experiment.vocabulary)
        lines.append(f"prediction: {shown} @ {place} = {_words(law)}")
    return lines


def _named(family: Family) -> list[str]:
    return [f"{name}={value}" for name, value in family.parameters.items()]


def _family(text: str | None, target: Target) -> Family | None:
    """The family that a file names, if there is such a one; its rows must be those of the file.

    Files that are older than the parameters have the name alone.
    """
    if text is None:
        return None
    name, *words = text.split()
    try:
        known = families.family(":".join([name, *(word.partition("=")[2] for word in words)]))
    except InputError:
        return None
    if known.fractions is None:
        return None
    sizes = (known.length, known.vocabulary) == (target.length, target.vocabulary)
    rows = known.rows.tolist() == target.rows.tolist()
    if not (sizes and rows and known.fractions == target.fractions):
        raise WitnessError(f"its rows are not those of the family {known.name}")
    return known.family


def to_text(witness: Witness) -> str:
    """The content of a witness file."""
    lines = [HEADER, *(f"# {line}" for line in witness.remark), f"claim: {witness.claim}"]
    if witness.variant is not None:
        lines.append(f"variant: {witness.variant}")
    lines += [f"scale: {name}={factor}" for name, factor in sorted(witness.scale.items())]
    lines += [f"measure: {witness.measure}", *experiment_lines(witness.experiment)]
    found = witness.decision
    lines.append(f"relation: {found.relation.value}")
    lines += [f"measured: {_show(found.measured)}", f"bound: {_show(found.bound)}"]
    lines.append(f"verdict: {found.verdict}")
    body = "\n".join(lines) + "\n"
    return body + f"sha256: {_checksum(body)}\n"


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def write(witness: Witness, path: Path) -> None:
    """Write a witness, whole or not at all; its folder is made.

    Raises:
        InputError: if the place cannot be written.
    """
    write_whole(path, to_text(witness), parents=True)


def read(path: Path) -> Witness:
    """Read a witness file.

    Raises:
        WitnessError: if it is missing, no witness, or was changed after it was written.
    """
    try:
        if file_size(path) > LARGEST:
            raise WitnessError(f"{path}: is longer than any witness")
        data = read_bytes(path)
    except WitnessError:
        raise
    except InputError as error:
        raise WitnessError(str(error)) from None
    try:
        return from_text(data.decode())
    except (ValueError, ZeroDivisionError) as error:  # InputError is a ValueError
        raise WitnessError(f"{path}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not a text file"
    return " ".join(str(error).split())


def _fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(map(read_rational, text.split()))


def from_text(text: str) -> Witness:
    """Read the content of a witness file.

    Raises:
        WitnessError: if it is no witness, or its checksum does not fit its content.
        ValueError: if a number cannot be read.
    """
    body, mark, rest = text.rpartition("sha256: ")
    if not text.startswith(HEADER + "\n") or not mark:
        raise WitnessError(f"is no witness file: it must start with {HEADER!r} and end with sha256")
    if rest.strip() != _checksum(body):
        raise WitnessError("was changed after it was written: the checksum does not fit")
    remark = [line[1:].strip() for line in body.splitlines() if line.startswith("#")]
    fields = _Fields(line for line in body.splitlines()[1:] if not line.startswith("#"))
    scale = {}
    for line in fields.all("scale"):
        name, _, factor = line.partition("=")
        if name in scale or read_rational(factor) <= 0:
            raise WitnessError(f"scale: needs one positive factor of {name}, got {line!r}")
        scale[name] = read_rational(factor)
    claim, variant = fields.single("claim"), fields.optional("variant")
    relation = fields.optional("relation")
    if relation is None and claim not in CLAIMS:
        raise WitnessError(
            f"is an older version's, of the claim {claim!r}, which is not the suite's: remove it "
            "and hunt again"
        )
    stated = CLAIMS[claim].form(variant).relation if relation is None else Relation(relation)
    decision = Decision(
        Relation.EQUALITY if stated is Relation.WORST_CASE else stated,
        ((_interval(fields.single("measured")), _interval(fields.single("bound"))),),
    )
    if decision.verdict is not Verdict(fields.single("verdict")):
        raise WitnessError(
            f"says {fields.single('verdict')}, but its numbers say {decision.verdict}"
        )
    experiment = _experiment(fields)
    measure = fields.single("measure")
    return Witness(claim, experiment, measure, decision, variant, scale, tuple(remark))


class _Fields:
    """Lines of the form ``name: value``, by their names."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.values: dict[str, list[str]] = {}
        for line in lines:
            name, colon, value = line.partition(": ")
            if not colon or name not in _NAMES:
                raise WitnessError(f"cannot read the line {line!r}")
            self.values.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        """Of a name that may have several lines."""
        return self.values.get(name, [])

    def single(self, name: str) -> str:
        """Of a name that must have one."""
        values = self.all(name)
        if len(values) != 1:
            raise WitnessError(f"needs one line {name!r}, has {len(values)}")
        return values[0]

    def optional(self, name: str) -> str | None:
        """Of a name that may have one."""
        return self.single(name) if name in self.values else None


def exact_target(
    rows: Sequence[Sequence[int]], weights: Sequence[Fraction], vocabulary: int
) -> Target:
    """A data law as it is written, which a target would merge and normalise.

    Raises:
        InputError: if rows differ in length or repeat, or the weights are no probabilities.
    """
    if not rows or len(set(map(tuple, rows))) < len(rows) or len(set(map(len, rows))) > 1:
        raise InputError("needs distinct rows of one length")
    if any(weight <= 0 for weight in weights) or sum(weights) != 1:
        raise InputError("the weights must be positive and sum to 1")
    return Target.from_rows(rows, weights, vocabulary)


def _experiment(fields: _Fields) -> Experiment:
    vocabulary = int(fields.single("vocabulary"))
    rows, weights = [], []
    for line in fields.all("row"):
        symbols, _, weight = line.partition(" = ")
        rows.append(tuple(map(int, symbols.split())))
        weights.append(read_rational(weight))
    predictions = {}
    for line in fields.all("prediction"):
        shown, _, rest = line.partition(" @ ")
        place, _, law = rest.partition(" = ")
        context = tuple(vocabulary if x == "_" else int(x) for x in shown.split())
        predictions[context, int(place)] = _fractions(law)
    steps = _fractions(fields.optional("steps") or "")
    equal = fields.optional("equal")
    if equal is not None:
        if not 1 <= int(equal) <= MOST_STEPS:
            raise WitnessError(f"equal: needs 1 to {MOST_STEPS} steps, has {equal}")
        steps += (Fraction(1, int(equal)),) * int(equal)
    target = exact_target(rows, weights, vocabulary)
    return exact_experiment(
        replace(target, family=_family(fields.optional("family"), target)),
        steps=steps,
        blocks=tuple(map(int, (fields.optional("blocks") or "").split())),
        grid=_grid(fields.optional("grid")),
        predictions=predictions,
    )


# A journal holds experiments as these lines too.
VALUES.register_unstructure_hook(Experiment, experiment_lines)
VALUES.register_structure_hook(Experiment, lambda lines, _: _experiment(_Fields(lines)))


_ONCE = ("claim", "variant", "relation", "measure", "vocabulary", "family")
_SIDES = ("measured", "bound", "verdict")
_SCHEDULES = ("steps", "equal", "blocks", "grid")
_NAMES = frozenset((*_ONCE, *_SIDES, *_SCHEDULES, "scale", "row", "prediction"))


def _grid(text: str | None) -> Schedule | None:
    if text is None:
        return None
    rule, clock, horizon, steps, last = text.split()
    if int(steps) > MOST_STEPS:
        raise WitnessError(f"grid: needs 1 to {MOST_STEPS} steps, has {steps}")
    return Schedule(rule, clock, "uniform", int(steps), read_rational(horizon), last_step=last)


def _interval(text: str) -> Interval:
    if text == "inf":
        return Interval.exact(math.inf)
    ends = _fractions(text)
    if not 1 <= len(ends) <= 2:
        raise WitnessError(f"needs one number or two, got {text!r}")
    return Interval(ends[0], ends[-1])


def recall(
    path: Path, claim: Claim | None = None, left: LeftSide | None = None
) -> tuple[Witness, Decision]:
    """Read a witness file and replay it; the arguments are those of `replay`.

    Raises:
        WitnessError: as `read` and `replay`, with the file's name.
    """
    held = read(path)
    try:
        return held, replay(held, claim, left)
    except InputError as error:
        raise WitnessError(f"{path}: {error}") from None


def replay(witness: Witness, claim: Claim | None = None, left: LeftSide | None = None) -> Decision:
    """Compute a witness again from its instance, and see that it shows what it says.

    Args:
        witness: as read from a file.
        claim: a user's claim; by default the registry's with the stored id.
        left: the left side of a user's claim, if it has one of its own.

    Returns:
        The new decision; its verdict is the stored one.

    Raises:
        WitnessError: if the claim is not known here, or the numbers do not reproduce.
    """
    chosen = claim or CLAIMS.get(witness.claim)
    if chosen is None or chosen.id != witness.claim:
        raise WitnessError(f"claim {witness.claim!r} is not known here: give it with --claim")
    name = name_of(chosen, witness.variant)
    if left is None and name == "own":
        raise WitnessError(f"the left side of {chosen.id} is not known here: give it with --claim")
    if witness.measure != name:
        raise WitnessError(f"{witness.measure!r} is not the left side of {chosen.id}")
    reason = chosen.applies(witness.experiment.setting(), witness.variant)
    if reason is not None:
        raise WitnessError(f"{chosen.id} says nothing about this instance: it {reason}")
    found = decide_on(
        chosen, witness.experiment, variant=witness.variant, scale=witness.scale, left=left
    )
    said = witness.decision
    for name, new, old in (
        ("measured", found.measured, said.measured),
        ("bound", found.bound, said.bound),
    ):
        # decimals enclose the new value, and not much more than it
        wide = old.upper - old.lower > Fraction(4, 10**DIGITS)
        if wide or not (old.lower <= new.lower and new.upper <= old.upper):
            raise WitnessError(
                f"does not reproduce: {name} is {_show(new)}, the file says {_show(old)}"
            )
    if found.verdict is not said.verdict:
        raise WitnessError(
            f"does not reproduce: the verdict is {found.verdict}, the file says {said.verdict}"
        )
    return found
