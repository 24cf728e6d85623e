"""The LaTeX of statements and formulas as one line of Unicode, for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

SYMBOLS = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "epsilon": "ε"},
    **{"eta": "η", "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ"},
    **{
        "theta": "θ",
        "vartheta": "ϑ",
        "kappa": "κ",
        "phi": "φ",
        "psi": "ψ",
        "omega": "ω",
        "chi": "χ",
        "nu": "ν",
    },
    **{"xi": "ξ", "zeta": "ζ", "Omega": "Ω", "Theta": "Θ", "Delta": "Δ", "Phi": "Φ", "Pi": "Π"},
    **{"Sigma": "Σ", "Lambda": "Λ", "Gamma": "Γ", "Psi": "Ψ", "Xi": "Ξ"},
    **{"sum": "Σ", "prod": "Π", "int": "∫", "infty": "∞", "cdot": "·", "times": "×", "mid": "|"},
    "oplus": "⊕",
    **{"lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "ldots": "…", "dots": "…"},
    **{"cdots": "…", "{": "{", "}": "}", "|": "‖", "%": "%", "_": "_", "ell": "ℓ", "circ": "∘"},
    **{"emptyset": "∅", "setminus": "∖", "cup": "∪", "cap": "∩", "forall": "∀", "partial": "∂"},
    **{"langle": "⟨", "rangle": "⟩", "star": "⋆", "ast": "*", "prime": "′", "pm": "±"},
}
RELATIONS = {
    **{"le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "to": "→", "ne": "≠", "neq": "≠", "in": "∈"},
    **{"sim": "∼", "approx": "≈", "lesssim": "≲", "gtrsim": "≳", "subseteq": "⊆", "models": "⊨"},
    **{"bmod": "mod", "mapsto": "↦", "Rightarrow": "⇒", "ll": "≪", "gg": "≫", "equiv": "≡"},
    **{"subset": "⊂", "notin": "∉", "iff": "⇔", "asymp": "≍", "propto": "∝", "wedge": "∧"},
    **{"vee": "∨", "le ": "≤", "colon": ":"},
}
WORDS = {"log", "exp", "min", "max", "sup", "inf", "lim", "cos", "sin", "arg", "ln", "Pr", "liminf"}
WORDS |= {"limsup", "tanh", "cosh", "sinh", "tan"}
NOTHING = {"left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "textstyle", "limits"}
NOTHING |= {"displaystyle", "!", "nolimits"}
SPACES = {",", ";", ":", " ", "quad", "qquad", "~"}
ALPHABETS = {"mathrm", "mathbb", "mathbf", "mathcal", "mathsf", "text", "operatorname", "textbf"}
ACCENTS = {"hat": "\N{COMBINING CIRCUMFLEX ACCENT}", "bar": "\N{COMBINING MACRON}"}
ACCENTS |= {"tilde": "\N{COMBINING TILDE}", "dot": "\N{COMBINING DOT ABOVE}"}
ACCENTS |= {"widehat": ACCENTS["hat"], "overline": ACCENTS["bar"], "widetilde": ACCENTS["tilde"]}

_LOWER = dict(zip("0123456789+−=aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_UPPER = dict(zip("0123456789+−=dhijklmnoprstuvwx", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼ᵈʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣ", strict=True))
_UPPER |= dict(zip("abcegfKTNUM", "ᵃᵇᶜᵉᵍᶠᴷᵀᴺᵁᴹ", strict=True))

_INDEX = set(_LOWER.values()) | set(_UPPER.values())
_HALVES = {"1/2": "½", "1/3": "⅓", "1/4": "¼", "1/5": "⅕", "1/6": "⅙", "1/8": "⅛", "2/3": "⅔"}
_OPERATORS = {*"ΣΠ∫", "max", "min", "sup", "lim"}
"""Signs with bounds, after which a space is due."""
_TOKEN = re.compile(r"\\[A-Za-z]+ *|\\.|\s+|.", re.S)
_SINGLE = re.compile(r"\d+|[^\W\d_][\u0300-\u036f]?[′₀-₉ₐ-ₜᵢ-ᵥⱼ]*|[∞*]|[½⅓¼]")


def readable(text: str) -> str:
    """Text with LaTeX between dollars, without either."""
    parts = text.split("$")
    shown = [part if k % 2 == 0 else readable_formula(part) for k, part in enumerate(parts)]
    return re.sub(" +", " ", "".join(shown))


def readable_formula(latex: str) -> str:
    """A formula; its fractions, roots and indices in one line, with brackets where they matter."""
    text = re.sub(r" +", " ", _Reader(latex).whole().text)
    text = re.sub(r" (?=[)\],;])|(?<=[(\[]) ", "", text).replace(": =", " :=")
    text = re.sub(r"(^|[(\[,=≤≥→] ?)− ", r"\1−", text)  # a sign, no difference
    return unicodedata.normalize("NFC", text.strip())


@dataclass(frozen=True)
class _Piece:
    """What was read.

    Attributes:
        text: as it is shown.
        word: whether it holds a name in upright letters, which is never raised or lowered.
        fraction: whether what follows would be read into its denominator.
    """

    text: str
    word: bool = False
    fraction: bool = False

    @property
    def grouped(self) -> str:
        """In brackets, if it is more than one letter, number or name."""
        inner = self.text.strip()
        plainly = _SINGLE.fullmatch(inner) or (inner.isalpha() and self.word) or _closed(inner)
        return inner if plainly else f"({inner})"

    @property
    def factor(self) -> str:
        """In brackets, if it is a sum."""
        depth = 0
        for c in self.text.strip():
            depth += (c in "([{") - (c in ")]}")
            if depth == 0 and c in "+−":
                return f"({self.text.strip()})"
        return self.text.strip()


def _closed(text: str) -> bool:
    """Whether the first bracket ends with the last one."""
    return bool(re.fullmatch(r"\([^()]*\)", text))


class _Reader:
    """Reads LaTeX from left to right."""

    def __init__(self, latex: str) -> None:
        self.tokens: list[str] = _TOKEN.findall(latex)
        self.place = 0

    def whole(self) -> _Piece:
        """Everything up to the end, or to the brace that closes a group."""
        pieces: list[_Piece] = []
        while self.place < len(self.tokens) and self.tokens[self.place] != "}":
            pieces.append(self.next())
        if len(pieces) == 1:
            return pieces[0]
        return _Piece("".join(self._spaced(pieces)), any(one.word for one in pieces))

    @staticmethod
    def _spaced(pieces: list[_Piece]) -> Iterator[str]:
        """With a space where two pieces would be read as one."""
        told = [piece for piece in pieces if piece.text]
        big = False  # the piece belongs to a sum, with its bounds
        for piece, after in zip(told, [*told[1:], _Piece("")], strict=True):
            yield piece.text
            start = after.text[:1]
            bound = start in _INDEX or start in "_^"
            letter = start.isalnum() or start in "(√‖∫ΣΠ½⅓¼["
            big = piece.text in _OPERATORS or (big and (piece.text[:1] in _INDEX or _marked(piece)))
            word = piece.text in WORDS and start.isalnum()
            letter = letter and not (piece.text in WORDS and start == "(")
            before = after.text in WORDS and (piece.text[-1:].isalnum() or piece.text[-1:] in ")}")
            apart = big or piece.fraction or word or (_marked(piece) and start.isalpha())
            if start and not bound and ((letter and apart) or before):
                yield " "

    def argument(self) -> _Piece:
        """A group, or one piece."""
        while self.place < len(self.tokens) and self.tokens[self.place].isspace():
            self.place += 1
        return self.next()

    def next(self) -> _Piece:
        """One piece."""
        token = self.tokens[self.place]
        self.place += 1
        if token == "{":
            inner = self.whole()
            self.place += 1
            return inner
        if token == "^":
            return _Piece(_shifted(self.argument(), _UPPER, "^"))
        if token == "_":
            return _Piece(_shifted(self.argument(), _LOWER, "_"))
        if token.startswith("\\"):
            return self._command(token[1:].rstrip() or " ")
        if token.isspace():
            return _Piece(" ")
        if token in "=<>":
            return _Piece(f" {token} ")
        return _Piece({"-": "−", "'": "′", "~": " "}.get(token, token))

    def _command(self, name: str) -> _Piece:
        if name in NOTHING:
            return _Piece("")
        if name in SPACES:
            return _Piece(" ")
        if name in WORDS:
            return _Piece(name)
        if name in ALPHABETS:
            return self._upright()
        if name in ACCENTS:
            return _Piece(self.argument().text + ACCENTS[name])
        if name in ("frac", "tfrac", "dfrac"):
            above, below = self.argument(), self.argument()
            text = f"{above.factor}/{below.grouped}"
            return _Piece(_HALVES.get(text, text), fraction=text not in _HALVES)
        if name in ("binom", "tbinom"):
            return _Piece(f"C({self.argument().text},{self.argument().text})")
        if name == "sqrt":
            return _Piece(f"√{self.argument().grouped}")
        if name in RELATIONS:
            return _Piece(f" {RELATIONS[name]} ")
        return _Piece(SYMBOLS[name])

    def _upright(self) -> _Piece:
        """The argument in upright letters; in text a space is a space."""
        inner = self.argument().text
        return _Piece(inner, word=len(inner) > 1)


def _marked(piece: _Piece) -> bool:
    return len(piece.text) > 1 and piece.text[0] in "_^"


def _shifted(piece: _Piece, alphabet: dict[str, str], mark: str) -> str:
    """An index or exponent in small letters where there are such, else behind a mark."""
    text = re.sub("^− ", "−", piece.text.strip())
    small = not piece.word and all(c in alphabet for c in text)
    return "".join(alphabet[c] for c in text) if small else mark + piece.grouped
