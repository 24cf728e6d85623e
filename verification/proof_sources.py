"""Reading the formal proofs: theorems with their comments, definitions, and who uses whom.

Nothing here runs Coq. The texts are ours, and what refers to what is read from the `.glob` files
that Coq writes beside the compiled ones.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LIBRARY = "Sharprates"
"""The logical name of theory/formal."""

COMPAT = "compat"
"""The file of names that differ between releases of MathComp; nothing of ours is defined there."""

_HEADER = re.compile(
    r"From\s+(mathcomp|Sharprates)(\.\w+)*\s+Require\s+Import\s+[\w.\s]+\."
    r"|Import\s+[\w.\s]+\.|Local\s+Open\s+Scope\s+\w+\."
    r"|Set Implicit Arguments\.|Unset Strict Implicit\.|Unset Printing Implicit Defensive\."
)
_COMMENT = re.compile(r"\s*claim:(.*?)\n\s*says:(.*?)\n\s*covers:(.*)", re.DOTALL)
_THEOREM = re.compile(r"Theorem\s+(claim_\w+)\b")
_ASSUMED = re.compile(
    r"\b(Axioms?|Parameters?|Conjectures?|bypass_check|type-in-type)\b"
    r"|\bUnset\s+(Guard|Positivity|Universe)\b"
)


class ProofSourceError(ValueError):
    """A file of proofs does not keep the rules of this project."""


@dataclass(frozen=True)
class Theorem:
    """One machine-checked statement, as its file states it.

    Attributes:
        name: e.g. ``claim_E3``.
        file: the file without its ending, e.g. ``claims``.
        claims: the ids of the registry to which it belongs.
        says: the theorem in words.
        covers: how much of the registered claims it is, and what it leaves out.
        statement: the Coq text, from the name to the full stop, as it is laid out.
    """

    name: str
    file: str
    claims: tuple[str, ...]
    says: str
    covers: str
    statement: str


def without_comments(text: str) -> str:
    """The text with every comment (they nest) replaced by as many spaces; lines stay lines."""
    found = list(text)
    depth = start = 0
    quoted = False
    i = 0
    while i < len(text):
        if not depth and text[i] == '"':
            quoted = not quoted
        elif not quoted and text.startswith("(*", i):
            start = start if depth else i
            depth += 1
            i += 1
        elif depth and text.startswith("*)", i):
            depth -= 1
            i += 1
            if not depth:
                found[start : i + 1] = ("\n" if c == "\n" else " " for c in text[start : i + 1])
        i += 1
    return "".join(found)


def sentences(code: str) -> Iterator[tuple[int, int]]:
    """Start and end of each Coq sentence: it ends at a full stop before white space."""
    start = 0
    for stop in re.finditer(r"(?<!\.)\.(?=\s|$)", code):
        while start < stop.start() and code[start].isspace():
            start += 1
        yield start, stop.end()
        start = stop.end()


def plain(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


def assumptions_in(text: str) -> list[str]:
    """Words outside comments that declare an axiom or switch a check off.

    A proof that is given up needs no such search: Coq names it among what a theorem assumes.
    """
    return [match[0] for match in _ASSUMED.finditer(without_comments(text))]


def theorems(text: str, file: str) -> tuple[Theorem, ...]:
    """The theorems of a file of statements, in order.

    Such a file holds imports, theorems under their comments, and complete proofs; nothing else, so
    that a statement means what it says without any context.

    Args:
        text: the file.
        file: its name without the ending.

    Raises:
        ProofSourceError: where the file holds anything else.
    """
    code = without_comments(text)
    found: list[Theorem] = []
    in_proof = False
    before = 0
    for start, end in sentences(code):
        sentence = code[start:end]
        if in_proof:
            in_proof = sentence != "Qed."
        elif sentence.startswith("Proof"):
            # a proof on one line: `Proof. by []. Qed.`, or `Proof.` and sentences up to `Qed.`
            in_proof = True
        elif theorem := _THEOREM.match(sentence):
            # Only the comment between the last sentence and this one can be its own.
            between = text[before:start]
            found.append(_documented(theorem[1], file, between, text[start:end]))
        elif not _HEADER.fullmatch(sentence):
            raise ProofSourceError(
                f"{file}.v: only imports, theorems named claim_… and proofs that end in Qed may "
                f"stand here, but there is: {plain(sentence)[:80]}"
            )
        before = end
    if in_proof:
        raise ProofSourceError(f"{file}.v: the last proof does not end in Qed")
    if repeated := {one.name for one in found if [t.name for t in found].count(one.name) > 1}:
        raise ProofSourceError(f"{file}.v: {', '.join(sorted(repeated))} is stated twice")
    return tuple(found)


def _documented(name: str, file: str, between: str, sentence: str) -> Theorem:
    comment = re.search(r"\(\*\*((?:(?!\(\*).)*?)\*\)\s*$", between, re.DOTALL)
    fields = _COMMENT.fullmatch(comment[1].rstrip()) if comment else None
    if fields is None:
        raise ProofSourceError(
            f"{file}.v: {name} needs a comment (** claim: … says: … covers: … *) just above it"
        )
    ids, says, covers = (plain(field) for field in fields.groups())
    claims = tuple(one.strip() for one in ids.split(","))
    if not all(claims) or not says or not covers:
        raise ProofSourceError(f"{file}.v: a field of the comment of {name} is empty")
    statement = sentence.removeprefix("Theorem").removesuffix(".").strip()
    return Theorem(name, file, claims, says, covers, statement)


def comments(text: str) -> dict[str, tuple[str, str]]:
    """Sentence, white space aside → the sentence as laid out and the comment just above it."""
    code = without_comments(text)
    found = {}
    before = 0
    for start, end in sentences(code):
        found[plain(code[start:end])] = text[start:end], _above(text[before:start])
        before = end
    return found


def _above(between: str) -> str:
    """The comment at the end of a text between two sentences; it begins a line.

    One that begins beside the sentence before belongs to that.
    """
    found = re.search(r"(?:^|\n)\(\*+((?:(?!\(\*).)*?)\*\)\s*$", between, re.DOTALL)
    return plain(found[1]) if found else ""


# --- what refers to what --------------------------------------------------------------------------


Key = tuple[str, str]
"""File and name."""


@dataclass(frozen=True)
class Entity:
    """A definition, theorem, notation or section variable of one of the files.

    Attributes:
        file: its file without the ending.
        name: e.g. ``euler``; a section variable's is ``Section.name``.
        kind: ``def``, ``prf``, ``abbrev``, ``var``, …, as Coq's glob files call it.
        text: its sentence; of a theorem the statement without the proof.
        comment: the comment just above it, or nothing.
        lines: its number of lines, proof included.
        uses: the keys that its text (without the proof) refers to, in order.
        proof_uses: those that its proof refers to.
    """

    file: str
    name: str
    kind: str
    text: str
    comment: str
    lines: int
    uses: tuple[Key, ...]
    proof_uses: tuple[Key, ...]

    @property
    def key(self) -> Key:
        """File and name."""
        return self.file, self.name


_REFERENCE = re.compile(rf"R(\d+):\d+ {LIBRARY}\.(\w+) \S+ (\S+) (\w+)")
_OWN = re.compile(r"(\w+) (\d+):\d+ (\S+) (\S+)")
_NOT_OURS = {"lib", "mod", "sec", "binder"}


def entities(text: str, glob: str, file: str) -> Iterator[Entity]:
    """What one compiled file defines, and what each definition refers to.

    Args:
        text: the file, one character a byte, since the places in the glob file count bytes.
        glob: its glob file.
        file: its name without the ending.
    """
    code = without_comments(text)
    spans = list(sentences(code))
    starts = [start for start, _ in spans]

    def place(at: int) -> int:
        return bisect.bisect_right(starts, at) - 1

    references: list[tuple[int, Key]] = []
    for match in _REFERENCE.finditer(glob):
        at, module, name, kind = int(match[1]), match[2], match[3], match[4]
        # a name with a colon is a bound variable
        if kind not in _NOT_OURS and module != COMPAT and ":" not in name:
            references.append((at, (module, name)))
    references.sort()

    def used(start: int, end: int) -> tuple[Key, ...]:
        first = bisect.bisect_left(references, (start, ("", "")))
        last = bisect.bisect_left(references, (end, ("", "")))
        return tuple(dict.fromkeys(name for _, name in references[first:last]))

    for line in glob.splitlines():
        own = _OWN.fullmatch(line)
        if own is None or own[1] in _NOT_OURS or ":" in own[4]:
            continue
        kind, at, section, name = own[1], int(own[2]), own[3], own[4]
        index = place(at)
        start, end = spans[index]
        last = index
        if kind == "prf":
            while last + 1 < len(spans) and code[slice(*spans[last])] not in ("Qed.", "Defined."):
                last += 1
        stop = spans[last][1]
        between = text[spans[index - 1][1] if index else 0 : start]
        yield Entity(
            file=file,
            name=name if section == "<>" or kind != "var" else f"{section}.{name}",
            kind=kind,
            text=text[start:end],
            comment=_above(between),
            lines=text.count("\n", start, stop) + 1,
            uses=used(start, end),
            proof_uses=used(end, stop),
        )


@dataclass(frozen=True)
class Sources:
    """All entities of the compiled files, by file and name."""

    entities: Mapping[Key, Entity]

    @staticmethod
    def read(folder: Path) -> Sources:
        """From the `.v` and `.glob` files of a folder; a file without its `.glob` is left out."""
        found: dict[Key, Entity] = {}
        for path in sorted(folder.glob("*.v")):
            glob = path.with_suffix(".glob")
            if glob.exists() and path.stem != COMPAT:
                for entity in entities(path.read_text("latin-1"), glob.read_text(), path.stem):
                    found[entity.key] = entity
        return Sources(found)

    def trusted(self, theorem: Theorem) -> tuple[Entity, ...]:
        """What the text of a statement rests on: definitions, notations, section variables.

        Each stands after those that it uses. Lemmas are not among them: Coq checks those.
        """
        return self._below(theorem, lambda one: one.uses)[:-1]

    def proof(self, theorem: Theorem) -> tuple[Entity, ...]:
        """All lemmas that a proof needs, directly or not, and last the theorem itself."""
        below = self._below(theorem, lambda one: one.uses + one.proof_uses)
        return tuple(one for one in below if one.kind == "prf")

    def _below(
        self, theorem: Theorem, uses: Callable[[Entity], tuple[Key, ...]]
    ) -> tuple[Entity, ...]:
        found: dict[Key, Entity] = {}

        def visit(key: Key) -> None:
            entity = self.entities.get(key)
            if entity is None or key in found:
                return
            for name in uses(entity):
                if name != key:
                    visit(name)
            found[key] = entity

        visit((theorem.file, theorem.name))
        return tuple(found.values())
