"""Machine-checked proofs: which claims they cover, and what Coq's kernel says of them.

`python -m sharprates.verification.formal` builds theory/formal, asks Coq what each theorem of
claims*.v rests on, and writes build/claims-formal.json. `formal_of` reads that file for a report,
if it was made from the present sources. The result is a label beside the computed status, never a
part of it: the proof speaks of the statement in claims.v, the status of the objects that were run.

A theorem is refused if its proof assumes anything but the three classical axioms on which
MathComp-Analysis rests, and if its statement, a definition that it rests on, or the registry's
statement beside it differs from what stands in statements.json. Only a reader can say that a Coq
statement means what the claim says: that file holds what was read. `--record` writes it anew, and
the difference is then what has to be read again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sharprates.theory
from sharprates.theory.claim import Claim
from sharprates.theory.registry import CLAIMS
from sharprates.verification.files import to_json, write_whole
from sharprates.verification.proof_sources import (
    ProofSourceError,
    Sources,
    Theorem,
    assumptions_in,
    plain,
    theorems,
    without_comments,
)

FOLDER = Path(sharprates.theory.__file__).resolve().parent / "formal"
"""The Coq sources; an installed package has none."""

OUTPUT = FOLDER.parents[1] / "build" / "claims-formal.json"
"""What `make formal` leaves, in the checkout."""

CHECKED, CLASSICAL, REFUSED, NOT_RUN = "machine-checked", "classical", "refused", "not run"

CLASSICAL_AXIOMS = frozenset(
    {
        "propositional_extensionality",
        "functional_extensionality_dep",
        "constructive_indefinite_description",
    }
)
"""What MathComp-Analysis assumes for its real numbers."""

VERSION = 1


@dataclass(frozen=True)
class Formal:
    """The proof checker's label of one claim.

    Attributes:
        status: ``machine-checked``; ``classical``, if only with the three classical axioms;
            ``refused``; or ``not run``.
        theorem: the names of the theorems that the status speaks of.
        covers: sentences that say how much of the claim they are, and what they leave out.
        axioms: what they assume.
        reason: why the status is not ``machine-checked``; empty where nothing has to be said.
    """

    status: str
    theorem: str = ""
    covers: str = ""
    axioms: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class JudgedTheorem:
    """What Coq says of one theorem.

    Attributes:
        theorem: its statement and comment.
        status: as of `Formal`.
        axioms: what its proof assumes, sorted.
        reason: why it is refused or was not run.
        lines: the lines of all lemmas of ours that the proof needs.
        lemmas: their number, the theorem included.
    """

    theorem: Theorem
    status: str
    axioms: tuple[str, ...] = ()
    reason: str = ""
    lines: int = 0
    lemmas: int = 0


@dataclass(frozen=True)
class Reading:
    """What a reader of a statement has read.

    Attributes:
        statement: the Coq text, white space aside.
        definitions: the definitions that it rests on, each with its text.
        claims: the ids of its claims, each with the registry's statement.
        printed: for a version of Coq, a hash of the statement and the definitions as this version
            prints them: what the same text means may change through an import or a notation.
    """

    statement: str
    definitions: Mapping[str, str]
    claims: Mapping[str, str]
    printed: Mapping[str, str]

    @staticmethod
    def read(folder: Path) -> dict[str, Reading]:
        """Theorem → what was read of it."""
        stored = json.loads((folder / "statements.json").read_text("utf-8"))
        definitions, statements = stored["definitions"], stored["claims"]
        return {
            name: Reading(
                one["statement"],
                {key: definitions[key] for key in one["definitions"]},
                {key: statements[key] for key in one["claims"]},
                one["printed"],
            )
            for name, one in stored["theorems"].items()
        }

    @staticmethod
    def write(folder: Path, readings: Mapping[str, Reading]) -> None:
        """One text for each definition, however many statements rest on it."""
        definitions: dict[str, str] = {}
        statements: dict[str, str] = {}
        for one in readings.values():
            definitions |= one.definitions
            statements |= one.claims
        content = {
            "theorems": {
                name: {
                    "statement": one.statement,
                    "claims": sorted(one.claims),
                    "definitions": list(one.definitions),
                    "printed": dict(sorted(one.printed.items())),
                }
                for name, one in sorted(readings.items())
            },
            "definitions": dict(sorted(definitions.items())),
            "claims": dict(sorted(statements.items())),
        }
        write_whole(folder / "statements.json", to_json(content))


def difference(read: Reading | None, now: Reading) -> str:
    """What has changed since a statement was read, in words; empty if nothing has."""
    if read is None:
        return "nobody has recorded that this statement was read"
    if read.statement != now.statement:
        return "its statement has changed"
    if read.claims.keys() != now.claims.keys():
        return "it belongs to other claims now"
    if changed := [one for one in now.claims if read.claims[one] != now.claims[one]]:
        return f"the registry's statement of {', '.join(changed)} has changed"
    keys = dict.fromkeys([*read.definitions, *now.definitions])
    if moved := [one for one in keys if read.definitions.get(one) != now.definitions.get(one)]:
        return f"definitions that it rests on have changed: {', '.join(moved)}"
    for version, digest in now.printed.items():
        if read.printed.get(version, digest) != digest:
            return "Coq reads the same text of the statement or of a definition differently"
    return ""


def label_of(axioms: Iterable[str], change: str) -> tuple[str, str]:
    """Status and reason of a theorem that compiles.

    Args:
        axioms: what its proof assumes.
        change: what differs from what was read.
    """
    if foreign := sorted(set(axioms) - CLASSICAL_AXIOMS):
        return REFUSED, f"its proof assumes {', '.join(foreign)}"
    if change:
        return REFUSED, f"{change}: read it, then run `make formal-record`"
    return (CLASSICAL if set(axioms) else CHECKED), ""


def axioms_of(answer: str) -> tuple[str, ...]:
    """The names in an answer of Print Assumptions, sorted; none if it is closed.

    Raises:
        ProofSourceError: if the answer is of no known form.
    """
    answer = answer.strip()
    if answer == "Closed under the global context":
        return ()
    if not answer.startswith("Axioms:"):
        raise ProofSourceError(f"Print Assumptions answered: {answer[:200]!r}")
    # `name : type`, the type on further lines, which are indented
    names = re.findall(r"^(\w[\w.']*)(?=\s|$)", answer.removeprefix("Axioms:"), re.MULTILINE)
    return tuple(sorted({name.rpartition(".")[2] for name in names}))


def label_of_claim(claim_id: str, checked: Sequence[JudgedTheorem]) -> Formal:
    """The label of a claim from those of its theorems.

    One refused theorem refuses the claim. Otherwise its best theorems speak for it, and a theorem
    that did not run takes nothing from them.
    """
    mine = [one for one in checked if claim_id in one.theorem.claims]
    if not mine:
        return Formal(NOT_RUN, reason="no part of this claim is stated formally")
    status = next(
        s for s in (REFUSED, CHECKED, CLASSICAL, NOT_RUN) if s in {o.status for o in mine}
    )
    speaking = [one for one in mine if one.status == status]
    return Formal(
        status,
        ", ".join(one.theorem.name for one in speaking),
        " ".join(
            one.theorem.covers
            if len(speaking) == 1
            else f"{one.theorem.name}: {one.theorem.covers}"
            for one in speaking
        ),
        tuple(sorted({axiom for one in speaking for axiom in one.axioms})),
        "; ".join(dict.fromkeys(f"{o.theorem.name}: {o.reason}" for o in speaking if o.reason)),
    )


# --- running Coq ----------------------------------------------------------------------------------


class UnavailableError(Exception):
    """Coq can't be had here; the message says what is missing."""


@dataclass(frozen=True)
class Checker:
    """Coq on a folder of proofs.

    Attributes:
        folder: the sources, with their Makefile.
    """

    folder: Path

    @cached_property
    def version(self) -> str:
        """E.g. 8.16.1."""
        return self._run("coqc", "--print-version").split()[0]

    @cached_property
    def has_analysis(self) -> bool:
        """Whether MathComp-Analysis is installed."""
        library = Path(self._run("coqc", "-where").strip())
        return (library / "user-contrib/mathcomp/analysis/exp.vo").exists()

    def _run(self, *command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def build(self) -> dict[str, str]:
        """Compile everything; file → Coq's message, for each file that does not compile.

        Raises:
            UnavailableError: if Coq can't be had.
        """
        tools = subprocess.run(
            [str(self.folder / "tools.sh")],
            capture_output=True,
            text=True,
        )
        if tools.returncode:
            raise UnavailableError(tools.stderr.strip().splitlines()[-1])
        made = subprocess.run(
            ["make", "-C", str(self.folder), "--no-print-directory", "-k"],
            capture_output=True,
            text=True,
        )
        found = {}
        for match in re.finditer(
            r'^File "\./(\w+)\.v", line (\d+).*\n((?:(?!File "|make).*\n)*)',
            made.stderr,
            re.MULTILINE,
        ):
            found[match[1]] = f"line {match[2]}: {plain(match[3])[:300]}"
        if made.returncode and not found:
            raise ProofSourceError(f"the proofs do not build:\n{made.stderr[-2000:]}")
        return found

    def printed(self, names: Iterable[str]) -> dict[str, str]:
        """Each theorem's type, or each definition's body and type, as Coq prints them in full.

        Args:
            names: qualified names, such as ``claims.claim_E3`` and ``partial.marg``.
        """
        return self._answers(
            {one: f"{'Check @' if '.claim_' in one else 'Print '}{one}." for one in names}
        )

    def assumed(self, theorems: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """What each theorem's proof assumes.

        Coq walks through the library for each answer, so it is asked about all of them at once
        first, which suffices if they assume nothing.

        Args:
            theorems: qualified names.
        """
        everything = "tt"
        for one in theorems:
            everything = f"({everything}, @{one})"
        together = f"Definition everything := {everything}. Print Assumptions everything."
        if not axioms_of(self._answers({theorems[0]: together})[theorems[0]]):
            return dict.fromkeys(theorems, ())
        said = self._answers({one: f"Print Assumptions {one}." for one in theorems})
        return {one: axioms_of(answer) for one, answer in said.items()}

    def _answers(self, questions: Mapping[str, str]) -> dict[str, str]:
        """Qualified name → what Coq prints at the command that asks about it."""
        files = dict.fromkeys(one.partition(".")[0] for one in questions)
        lines = [
            "From mathcomp Require Import all_ssreflect all_algebra.",
            *(f"From Sharprates Require {one}." for one in files),
            "Set Printing All. Set Printing Width 200.",
        ]
        for one, command in questions.items():
            # no answer can print a line of this form
            lines += [f'Goal True. idtac "@@ {one}". Abort.', command]
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "query.v"
            path.write_text("\n".join(lines) + "\n", "utf-8")
            ran = subprocess.run(
                ["coqc", "-q", "-w", "none", "-Q", str(self.folder), "Sharprates", str(path)],
                capture_output=True,
                text=True,
            )
        if ran.returncode:
            raise ProofSourceError(f"Coq can't answer: {plain(ran.stderr)[-300:]}")
        parts = re.split(r"^@@ ([\w.']+)\n", ran.stdout, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))


def files_of_statements(folder: Path) -> list[Path]:
    """The files that hold theorems: claims.v and every claims_*.v."""
    return sorted(path for path in folder.glob("claims*.v"))


def check_proofs(
    folder: Path, claims: Mapping[str, Claim]
) -> tuple[list[JudgedTheorem], dict[str, Reading], str]:
    """Build the proofs and judge every theorem.

    Args:
        folder: the Coq sources.
        claims: the registry.

    Returns:
        What Coq says of each theorem; how each reads now; and the version of Coq.

    Raises:
        UnavailableError: if Coq can't be had.
        ProofSourceError: if a file breaks the rules of this project.
    """
    for path in sorted(folder.glob("*.v")):
        if words := assumptions_in(path.read_text("utf-8")):
            raise ProofSourceError(f"{path.name}: {words[0]} may not stand in these files")
    checker = Checker(folder)
    broken = checker.build()
    sources = Sources.read(folder)
    read = Reading.read(folder) if (folder / "statements.json").exists() else {}
    # an unproved lemma of this name would pass for the axiom
    if disguised := sorted({name for _, name in sources.entities} & CLASSICAL_AXIOMS):
        raise ProofSourceError(f"a lemma may not be named like an axiom: {', '.join(disguised)}")
    checked: list[JudgedTheorem] = []
    readings: dict[str, Reading] = {}
    for path in files_of_statements(folder):
        stated = theorems(path.read_text("utf-8"), path.stem)
        if path.stem == "claims_reals" and not checker.has_analysis:
            reason = "MathComp-Analysis is not installed: `make formal REALS=1` installs it"
            checked += [JudgedTheorem(one, NOT_RUN, reason=reason) for one in stated]
            continue
        if reason := unbuilt(path.stem, needed_by(path.stem, folder), broken):
            checked += [JudgedTheorem(one, REFUSED, reason=reason) for one in stated]
            continue
        trusted = {one.name: sources.trusted(one) for one in stated}
        definitions = dict.fromkeys(
            ".".join(entity.key)
            for entities in trusted.values()
            for entity in entities
            if entity.kind in ("def", "ind", "rec")
        )
        qualified = {one.name: f"{path.stem}.{one.name}" for one in stated}
        printed = checker.printed([*qualified.values(), *definitions])
        assumed = checker.assumed(list(qualified.values()))
        for one in stated:
            texts = {".".join(e.key): plain(e.text) for e in trusted[one.name]}
            whole = "\n".join(plain(printed.get(key, "")) for key in [qualified[one.name], *texts])
            now = Reading(
                plain(one.statement),
                texts,
                {key: claims[key].statement for key in one.claims if key in claims},
                {checker.version: hashlib.sha256(whole.encode()).hexdigest()[:16]},
            )
            readings[one.name] = now
            axioms = assumed[qualified[one.name]]
            status, reason = label_of(axioms, difference(read.get(one.name), now))
            proof = sources.proof(one)
            lines = sum(entity.lines for entity in proof)
            checked.append(JudgedTheorem(one, status, axioms, reason, lines, len(proof)))
    return checked, readings, checker.version


def needed_by(file: str, folder: Path) -> set[str]:
    """The files that one needs, directly or not, by their `From Sharprates Require` lines."""
    found: set[str] = set()
    waiting = [file]
    while waiting:
        text = without_comments((folder / f"{waiting.pop()}.v").read_text("utf-8"))
        for line in re.findall(r"From\s+Sharprates\s+Require\s+(?:Import\s+)?([^.]*)\.", text):
            new = set(line.split()) - found - {"compat"}
            found |= new
            waiting += new
    return found


def unbuilt(file: str, needed: Iterable[str], broken: Mapping[str, str]) -> str:
    """Why a file has not been compiled from the present sources; empty if it has been."""
    if file in broken:
        return f"{file}.v does not compile: {broken[file]}"
    if blocking := sorted(set(needed) & broken.keys()):
        return "; ".join(
            f"{one}.v, which it needs, does not compile: {broken[one]}" for one in blocking
        )
    return ""


def lemma_graph(folder: Path, checked: Sequence[JudgedTheorem]) -> dict[str, dict[str, Any]]:
    """Lemma → its lines and the lemmas that its proof names, for all below a theorem."""
    sources = Sources.read(folder)
    below = {entity.key: entity for one in checked for entity in sources.proof(one.theorem)}
    return {
        ".".join(key): {
            "lines": entity.lines,
            "uses": [".".join(u) for u in (*entity.uses, *entity.proof_uses) if u in below],
        }
        for key, entity in below.items()
    }


# --- the file -------------------------------------------------------------------------------------


def fingerprint(folder: Path, claims: Mapping[str, Claim]) -> str:
    """A hash of what the results depend on: the sources, what was read of them, the registry."""
    digest = hashlib.sha256()
    paths = [*folder.glob("*.v"), *folder.glob("compat/*.v"), folder / "statements.json"]
    for path in sorted(paths):
        if path.exists() and path != folder / "compat.v":  # a copy of one of compat/
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    for key in sorted(claims):
        digest.update(f"{key}\n{claims[key].statement}\n".encode())
    return digest.hexdigest()


def formal_of(
    claims: Mapping[str, Claim], path: Path = OUTPUT, folder: Path = FOLDER
) -> Mapping[str, Formal]:
    """The proof checker's labels, from the last `make formal`, if it saw the present sources.

    Args:
        claims: the registry.
        path: the file that `make formal` wrote.
        folder: the Coq sources.

    Returns:
        Claim id → label; all are ``not run``, with the reason, if there is no such file or it was
        made from other sources. No older result is ever shown.
    """

    def none(reason: str) -> Mapping[str, Formal]:
        return MappingProxyType({key: Formal(NOT_RUN, reason=reason) for key in claims})

    if not folder.is_dir():
        return none("the proofs are part of the repository, not of the installed package")
    try:
        stored = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return none("the proofs were not checked here: run `make formal`")
    if stored.get("version") != VERSION or stored.get("sources") != fingerprint(folder, claims):
        return none(
            "the proofs or the claims have changed since they were checked: run `make formal`"
        )
    found = {}
    for key in claims:
        one = stored["claims"][key]
        found[key] = Formal(**{**one, "axioms": tuple(one["axioms"])})
    return MappingProxyType(found)


def as_json(
    checked: Sequence[JudgedTheorem], claims: Mapping[str, Claim], folder: Path, coq: str
) -> dict[str, Any]:
    """The content of build/claims-formal.json."""
    return {
        "version": VERSION,
        "sources": fingerprint(folder, claims),
        "coq": coq,
        "claims": {key: asdict(label_of_claim(key, checked)) for key in claims},
        "theorems": [
            {**asdict(one.theorem), **{k: v for k, v in asdict(one).items() if k != "theorem"}}
            for one in checked
        ],
        "lemmas": lemma_graph(folder, checked),
    }


def make_formal(record: bool = False) -> int:
    """Check the proofs and write the file.

    Args:
        record: record the present statements as read first.

    Returns:
        0 if no theorem is refused, or if Coq can't be had, which the file then says; else 1.
    """
    try:
        checked, readings, coq = check_proofs(FOLDER, CLAIMS)
    except UnavailableError as missing:
        print(missing, file=sys.stderr)
        checked, readings, coq = without_coq(FOLDER, str(missing)), {}, ""
    except ProofSourceError as error:
        print(error, file=sys.stderr)
        return 1
    if record:
        read = Reading.read(FOLDER) if (FOLDER / "statements.json").exists() else {}
        not_run = [one.theorem.name for one in checked if one.status == NOT_RUN]
        Reading.write(FOLDER, recorded(read, readings, not_run))
        print(f"{len(readings)} statements recorded as read")
        return make_formal()
    write_whole(OUTPUT, to_json(as_json(checked, CLAIMS, FOLDER, coq)), parents=True)
    for one in checked:
        axioms = f" ({', '.join(one.axioms)})" if one.axioms else ""
        print(f"{one.theorem.name:28} {one.status}{axioms}{one.reason and ': ' + one.reason}")
    unknown = dict.fromkeys(
        key for one in checked for key in one.theorem.claims if key not in CLAIMS
    )
    if unknown:
        print(f"not in the registry, so without a label: {', '.join(unknown)}")
    counts = {s: sum(one.status == s for one in checked) for s in (CHECKED, CLASSICAL, NOT_RUN)}
    refused = sum(one.status == REFUSED for one in checked)
    print(", ".join(f"{n} {s}" for s, n in counts.items() if n) + f", {refused} refused")
    return 1 if refused else 0


def without_coq(folder: Path, reason: str) -> list[JudgedTheorem]:
    """Every theorem as not run."""
    return [
        JudgedTheorem(one, NOT_RUN, reason=reason)
        for path in files_of_statements(folder)
        for one in theorems(path.read_text("utf-8"), path.stem)
    ]


def recorded(
    read: Mapping[str, Reading], now: Mapping[str, Reading], not_run: Iterable[str]
) -> dict[str, Reading]:
    """What has been read once the present statements have been.

    Args:
        read: what had been read.
        now: the present statements.
        not_run: theorems whose library is absent here, which stay as they were read.

    Returns:
        The readings; where no text has changed they keep what other versions of Coq print.
    """
    found = {name: read[name] for name in not_run if name in read} | dict(now)
    for name, one in now.items():
        before = read.get(name)
        if before is not None and replace(before, printed={}) == replace(one, printed={}):
            found[name] = replace(one, printed={**before.printed, **one.printed})
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--record", action="store_true", help="record the statements as read")
    sys.exit(make_formal(**vars(parser.parse_args())))
